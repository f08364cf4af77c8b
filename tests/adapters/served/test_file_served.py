"""Served documents in a folder: what outlives the process, and what the disk may do to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from roadworthy.adapters.served.files import FileServed
from roadworthy.domain.errors import StorageUnavailableError


def test_another_process_reads_what_this_one_published(tmp_path: Path) -> None:
    writer, reader = FileServed(tmp_path), FileServed(tmp_path)
    writer.publish("calls", b"document")
    assert reader.read("calls") == b"document"
    assert reader.stamp("calls") == writer.stamp("calls")


def test_only_the_document_is_left_in_the_folder(tmp_path: Path) -> None:
    FileServed(tmp_path).publish("calls", b"document")
    assert [p.name for p in tmp_path.iterdir()] == ["calls.json"]


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    FileServed(tmp_path / "served").publish("../../etc/passwd", b"document")
    assert [p.name for p in (tmp_path / "served").iterdir()] == ["..%2F..%2Fetc%2Fpasswd.json"]


def test_the_stamp_changes_even_when_the_machines_clock_went_back(tmp_path: Path) -> None:
    served = FileServed(tmp_path)
    served.publish("calls", b"same")
    future_ns = 4_000_000_000 * 10**9
    os.utime(tmp_path / "calls.json", ns=(future_ns, future_ns))
    before = served.stamp("calls")
    served.publish("calls", b"same")
    assert (tmp_path / "calls.json").stat().st_mtime_ns == future_ns + 1
    assert served.stamp("calls") != before


def test_a_publish_that_fails_leaves_the_old_document_in_force(tmp_path: Path) -> None:
    served = FileServed(tmp_path)
    served.publish("calls", b"old")
    (tmp_path / "mail.json").mkdir()
    with pytest.raises(StorageUnavailableError, match="a folder stands where a file is needed"):
        served.publish("mail", b"new")
    assert served.read("calls") == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["calls.json", "mail.json"]


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageUnavailableError, match="a file stands where a folder is needed"):
        FileServed(tmp_path / "taken")
