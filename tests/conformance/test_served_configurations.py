"""What every place for served configurations promises (`domain/ports.py`: ServedConfigurations)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from roadworthy.domain.errors import InputError
from roadworthy.domain.ports import ServedConfigurations

NAMES = ["calls", "a/b", "..", ".", ".hidden", "größe", "two words", "a.json", "%2F", "UPPER", "x.part"]


def test_before_anything_is_published_there_is_nothing(served: ServedConfigurations) -> None:
    assert served.read("calls") is None
    assert served.stamp("calls") == ""
    assert served.endpoints() == ()


def test_the_document_published_last_is_in_force(served: ServedConfigurations) -> None:
    served.publish("calls", b"first, and longer")
    served.publish("calls", b"second")
    assert served.read("calls") == b"second"
    assert served.endpoints() == ("calls",)


def test_endpoints_of_any_name_keep_their_own_documents(served: ServedConfigurations) -> None:
    for name in NAMES:
        served.publish(name, name.encode())
    assert [served.read(name) for name in NAMES] == [name.encode() for name in NAMES]
    assert served.endpoints() == tuple(sorted(NAMES))


@pytest.mark.parametrize(
    "name", ["", "x" * 251, "ü" * 100, "\ud800"], ids=["empty", "long", "long in UTF-8", "bad"]
)
def test_a_name_no_file_can_have_is_refused(served: ServedConfigurations, name: str) -> None:
    for use in (lambda: served.publish(name, b""), lambda: served.read(name), lambda: served.stamp(name)):
        with pytest.raises(InputError, match="cannot name an endpoint"):
            use()


def test_a_stamp_changes_with_every_publish_even_of_the_same_document(served: ServedConfigurations) -> None:
    stamps = []
    for _ in range(60):
        served.publish("calls", b"same")
        stamps.append(served.stamp("calls"))
    assert len(set(stamps)) == 60


def test_a_stamp_stays_while_nothing_is_published_to_that_endpoint(served: ServedConfigurations) -> None:
    served.publish("calls", b"same")
    before = served.stamp("calls")
    served.publish("mail", b"other")
    assert served.read("calls") == b"same"
    assert served.stamp("calls") == before != ""


def test_readers_see_whole_documents_while_a_writer_replaces_them(served: ServedConfigurations) -> None:
    whole = {bytes([65 + n]) * 50_000 for n in range(3)}
    served.publish("calls", min(whole))

    def write() -> None:
        for _ in range(30):
            for document in whole:
                served.publish("calls", document)

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(write)
        seen = [served.read("calls") for _ in range(300)]
        writing.result()
    assert set(seen) <= whole
