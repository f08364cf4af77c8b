"""A version's page prints its dossier for whoever may have one made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_world import V1

from roadworthy.domain.trust import Evidence, EvidenceKind

BEGINS = {"html": (b"<!doctype html>", "text/html"), "pdf": (b"%PDF-", "application/pdf")}


@pytest.fixture
def place(place_at: Callable[..., Any]) -> Any:
    return place_at("signed")


@pytest.mark.parametrize("wanted", BEGINS)
def test_a_button_downloads_the_dossier_as_a_file_and_its_issue_is_on_record(place: Any, wanted: str) -> None:
    client = place.browser()
    assert f'action=\\"/versions/{V1}/dossier\\"' in client.get(f"/versions/{V1}").text.replace("&#34;", '\\"')
    reply = place.send(client, f"/versions/{V1}/dossier", format=wanted)
    assert reply.status_code == 200, reply.text
    begins, kind = BEGINS[wanted]
    assert reply.content[: len(begins)].lower() == begins.lower()
    assert reply.headers["content-type"].startswith(kind)
    assert reply.headers["content-disposition"] == f'attachment; filename="dossier-offers-1.{wanted}"'
    assert place.world.actions()[-1] == "dossier-issued"
    assert any(e.kind is EvidenceKind.DOSSIER for e in place.world.all(Evidence))


@pytest.mark.parametrize("wanted", ["", "docx", "bom"])
def test_a_format_the_page_does_not_hand_out_is_refused(place: Any, wanted: str) -> None:
    reply = place.send(place.browser(), f"/versions/{V1}/dossier", format=wanted)
    assert reply.status_code == 422
    assert "Allowed: html, pdf" in reply.text
