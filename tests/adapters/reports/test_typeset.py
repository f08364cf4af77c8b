"""The PDF: an archive's PDF, the same bytes every time, and nothing of a text is ever read as typst."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest
from small_world import V1, at, lived

from roadworthy.adapters.reports.typeset import as_data, typeset
from roadworthy.domain.documents.document import Document
from roadworthy.domain.errors import MissingExtraError
from roadworthy.services.dossier.items import items_of
from roadworthy.services.dossier.proof import prove
from roadworthy.services.dossier.record import Record, read_record
from roadworthy.services.dossier.telling import tell

EVIL = '#read("/etc/passwd") #sys.exit() *bold* $x$ ] #panic("read as typst") <label> @label \\u{0}'


def told(record: Record) -> Document:
    proof = prove(record)
    return tell(record, proof, items_of(record, proof), "ada")


@pytest.fixture(scope="module")
def small() -> Record:
    return read_record(at("signed").house, V1)


def test_it_is_a_pdf_that_says_it_is_an_archives_pdf(small: Record) -> None:
    made = typeset(told(small))
    assert made.startswith(b"%PDF-1.7")
    assert b"pdfaid:part" in made


def test_the_same_document_gives_the_same_bytes_and_another_time_others(small: Record) -> None:
    first = typeset(told(small))
    assert typeset(told(small)) == first
    assert typeset(replace(told(small), issued_at=small.at.replace(year=2030))) != first


def test_a_time_with_microseconds_is_set_too(small: Record) -> None:
    assert typeset(replace(told(small), issued_at=small.at.replace(microsecond=123456))).startswith(b"%PDF")


def test_markup_of_the_typesetter_in_a_text_is_a_text(small: Record) -> None:
    version = replace(small.version, description=EVIL, code_revision=EVIL)
    document = replace(told(replace(small, version=version)), title=EVIL, subtitle=EVIL)
    assert EVIL.split(" ", maxsplit=1)[0][:5] in json.dumps(as_data(document))
    assert typeset(document).startswith(b"%PDF")


def test_every_plot_of_a_lived_version_is_set() -> None:
    document = told(read_record(lived().house, V1))
    data = json.dumps(as_data(document))
    assert data.count('"kind": "plot"') > 10
    assert typeset(document).startswith(b"%PDF")


def test_without_typst_the_error_says_what_to_install(small: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingExtraError, match=r"roadworthy\[report\]"):
        typeset(told(small))
