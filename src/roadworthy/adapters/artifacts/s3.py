"""Artifacts in an object store that speaks the S3 API: `<prefix>ab/cd/<digest>` in one bucket."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadworthy.adapters.artifacts.folders import KeepsFolders
from roadworthy.adapters.artifacts.naming import (
    checked,
    checked_source,
    digest_of,
    digest_of_file,
    key_of,
    missing,
)
from roadworthy.domain import faults
from roadworthy.domain.errors import DigestMismatchError, MissingExtraError, NotFoundError, StorageUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

_ABSENT = ("404", "NoSuchKey", "NotFound")
_REMEDY = {
    "404": "Create the bucket, or check its name and region.",
    "NoSuchBucket": "Create the bucket, or check its name and region.",
    "AccessDenied": "Give these credentials s3:ListBucket, s3:GetObject and s3:PutObject on the bucket.",
    "403": "Give these credentials s3:ListBucket, s3:GetObject and s3:PutObject on the bucket.",
}
_SINGLE_PUT_BYTES = 1 << 30


class S3Artifacts(KeepsFolders):
    """An `ArtifactStore` in a bucket that exists. Credentials come from where boto3 looks for them.

    `endpoint_url` names a server other than AWS; `prefix` (for example `roadworthy/`) goes before every key.
    Files up to `single_put_bytes` are sent in one request whose SHA-256 the server checks; larger ones in parts.

    Raises:
        MissingExtraError: boto3 is not installed.
        StorageUnavailableError: no server, no bucket, or no permission.
    """

    def __init__(
        self,
        bucket: str,
        *,
        prefix: str = "",
        endpoint_url: str | None = None,
        region: str | None = None,
        single_put_bytes: int = _SINGLE_PUT_BYTES,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._single_put_bytes = single_put_bytes
        self._server = endpoint_url, region
        self._client, self._library_errors = _connect(endpoint_url, region)
        with self._in_words("keep artifacts", None):
            self._client.head_bucket(Bucket=bucket)

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: everything but the connection, which cannot."""
        return {name: value for name, value in vars(self).items() if name not in ("_client", "_library_errors")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Connect anew, with the credentials of the process it came to."""
        vars(self).update(state)
        self._client, self._library_errors = _connect(*self._server)

    def put(self, data: bytes) -> str:
        """Keep bytes."""
        digest = digest_of(data)
        if not self._kept(digest, len(data)):
            self._send(data, digest)
        return digest

    def put_file(self, path: Path) -> str:
        """Keep a file's bytes.

        Raises:
            DigestMismatchError: the file changed while it was sent; it is not kept.
        """
        digest, size = digest_of_file(checked_source(path)), path.stat().st_size
        if self._kept(digest, size):
            return digest
        if size > self._single_put_bytes:
            self._send_in_parts(path, digest)
            return digest
        with path.open("rb") as file:
            self._send(file, digest)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes."""
        key = self._key(digest)
        with self._in_words("read an artifact", digest):
            data = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return checked(data, digest)

    def has(self, digest: str) -> bool:
        """Whether the bytes are here."""
        return self._head(digest) is not None

    def _kept(self, digest: str, size: int) -> bool:
        """Whether those bytes are there already, as far as the server can tell without sending them."""
        head = self._head(digest)
        if head is None:
            return False
        return head["ContentLength"] == size and head.get("ChecksumSHA256", _checksum(digest)) == _checksum(digest)

    def _head(self, digest: str) -> HeadObjectOutputTypeDef | None:
        key = self._key(digest)
        try:
            with self._in_words("look for an artifact", digest):
                return self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except NotFoundError:
            return None

    def _send(self, body: Any, digest: str) -> None:
        faults.reach("artifacts.before-publish")
        with self._in_words("keep an artifact", digest):
            self._client.put_object(
                Bucket=self._bucket, Key=self._key(digest), Body=body, ChecksumSHA256=_checksum(digest)
            )

    def _send_in_parts(self, path: Path, digest: str) -> None:
        key = self._key(digest)
        faults.reach("artifacts.before-publish")
        with self._in_words("keep an artifact", digest):
            self._client.upload_file(str(path), self._bucket, key)
            # The server has no checksum over all parts that is our digest, so the source is read once more.
            if digest_of_file(path) != digest:
                self._client.delete_object(Bucket=self._bucket, Key=key)
                raise DigestMismatchError(
                    f"{path} changed while it was being sent",
                    remedy="Send it again when nothing writes to it.",
                    path=str(path),
                )

    def _key(self, digest: str) -> str:
        return self._prefix + key_of(digest)

    @contextmanager
    def _in_words(self, doing: str, digest: str | None) -> Iterator[None]:
        try:
            yield
        except self._library_errors as error:
            said = getattr(error, "response", {}).get("Error", {})
            code = str(said.get("Code", ""))
            if digest is not None and code in _ABSENT:
                raise missing(digest) from error
            raise StorageUnavailableError(
                f"cannot {doing} in the bucket '{self._bucket}': {said.get('Message') or error}",
                remedy=_REMEDY.get(code, "Check the endpoint, the credentials and the network, then try again."),
                bucket=self._bucket,
                reason=code or type(error).__name__,
            ) from error


def _checksum(digest: str) -> str:
    """The digest as the S3 API writes it: base64."""
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _connect(endpoint_url: str | None, region: str | None) -> tuple[S3Client, tuple[type[Exception], ...]]:
    try:
        import boto3  # noqa: PLC0415 - an optional library
        from boto3.exceptions import Boto3Error  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError(
            "artifacts in an object store need the library boto3, which is not installed",
            remedy='Install it: pip install "roadworthy[s3]".',
            extra="s3",
        ) from error
    config = Config(retries={"max_attempts": 3, "mode": "standard"}, connect_timeout=5, read_timeout=60)
    # A session of its own: the shared one would keep the first credentials it ever found.
    client = boto3.Session().client("s3", endpoint_url=endpoint_url, region_name=region, config=config)
    return client, (BotoCoreError, ClientError, Boto3Error)
