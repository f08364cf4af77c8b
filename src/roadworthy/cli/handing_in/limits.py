"""`--limits`: what requests must keep to, from a file or from the training data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from roadworthy.domain.errors import SettingError
from roadworthy.sdk.handing_over import read_bytes

TRAINING = "training"


def declared(given: str) -> dict[str, object]:
    """The field `limits` of a version, when something was given: the server judges what it means.

    Raises:
        DataError: the file cannot be read. SettingError: it is no YAML, or has another field than it may have.
    """
    if not given:
        return {}
    if given == TRAINING:
        return {"limits": {"from_training": True}}
    try:
        said: Any = yaml.safe_load(read_bytes(Path(given)))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(given, " ".join(str(error).split())[:200]) from error
    if not isinstance(said, dict) or not set(said) <= {"columns", "from_training", "ignore_unknown"}:
        raise _wrong(given, f"its fields are {', '.join(map(str, said))[:200]}" if said else "it is empty")
    return {"limits": said}


def _wrong(file: str, why: str) -> SettingError:
    return SettingError(
        f"the limits in '{file}' cannot be read: {why}",
        remedy="Allowed fields: columns, from_training, ignore_unknown; see the data scientist's guide.",
        field="limits",
    )
