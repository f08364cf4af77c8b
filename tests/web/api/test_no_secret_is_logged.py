"""A law: whatever is asked of the API, and whatever goes wrong, no secret is in any line that anything logs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import TOKEN

SENT = {
    "Authorization": "Bearer a-wrong-secret",
    "Cookie": "roadworthy=a-cookie-secret",
    "X-Api-Key": "a-key-secret",
}


def test_no_secret_is_in_any_line_that_anything_logs(
    api_at: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    api = api_at("serving")
    with caplog.at_level(logging.DEBUG):
        made = api.ask("POST", "/tokens", "omar", json={"name": "mine", "scopes": ["read", "report"]}).json()
        secret = made["secret"]
        statuses = [
            api.ask("GET", "/status", token=secret).status_code,
            api.ask("GET", "/status", "omar").status_code,
            api.ask("POST", "/people", token=secret, json={"name": "x", "roles": ["auditor"]}).status_code,
            api.ask("POST", "/agents/nobody/reports", token=secret, json={}).status_code,
            api.ask("POST", "/tokens", "omar", json={"name": secret, "scopes": ["no-such-action"]}).status_code,
            api.ask("POST", "/tokens", "omar", content=f'{{"name": "{secret}'.encode()).status_code,
            api.get("/api/v1/status", headers=SENT).status_code,
            api.get("/api/v1/status?token=a-query-secret", headers=SENT).status_code,
        ]
    assert statuses == [200, 200, 403, 404, 422, 422, 401, 401]
    lines = "\n".join(logging.Formatter("%(message)s %(args)s").format(r) for r in caplog.records)
    for each in (secret, TOKEN, "a-wrong-secret", "a-cookie-secret", "a-key-secret"):
        assert each not in lines
