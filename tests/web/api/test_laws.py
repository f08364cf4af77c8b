"""Laws of the API: every route needs the token, is documented, and answers errors in one shape."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from roadworthy.domain import errors
from roadworthy.domain.errors import RoadworthyError
from roadworthy.sdk.transport import error_of
from roadworthy.web import api as web_api
from roadworthy.web.api.app import PREFIX, build_api
from roadworthy.web.api.entry.edge import STATUS, body_of, status_of

KINDS = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, RoadworthyError)]
SHAPE = {"code", "what", "remedy", "fields"}


DESCRIBED = build_api(None, "", "").openapi()["paths"]  # type: ignore[arg-type] - it is only described
OPERATIONS = [(m.upper(), p) for p, ops in DESCRIBED.items() for m in ops]
every_operation = pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda v: v)
every_error = pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)


def filled(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "x", path.removeprefix(PREFIX))


def test_the_description_lists_every_route_of_every_resource() -> None:
    modules = [
        importlib.import_module(m.name) for m in pkgutil.walk_packages(web_api.__path__, f"{web_api.__name__}.")
    ]
    routers = [r for m in modules for r in vars(m).values() if isinstance(r, APIRouter)]
    listed = {(m, PREFIX + r.path) for router in routers for r in router.routes for m in r.methods}
    assert len(routers) >= 5
    assert listed == set(OPERATIONS)


@every_operation
def test_without_the_right_token_nothing_is_answered_or_changed(
    api_at: Callable[[str], Any], method: str, path: str
) -> None:
    api = api_at("serving")
    before = api.world.changes()
    for token in ("", "wrong", "a-token-of-this-tes", "a-token-of-this-test-and-more"):
        reply = api.ask(method, filled(path), token=token)
        assert (reply.status_code, reply.json()["code"]) == (401, "unauthenticated")
        assert reply.headers["www-authenticate"].startswith("Bearer")
        assert "token" in reply.json()["what"]
    assert api.world.changes() == before


@every_operation
def test_every_operation_says_what_it_does(method: str, path: str) -> None:
    described = DESCRIBED[path][method.lower()]
    assert described["description"].endswith(".")
    assert described["tags"]


def test_no_page_loads_anything_from_elsewhere(api_at: Callable[[str], Any]) -> None:
    api = api_at("prepared")
    assert [api.get(p).status_code for p in ("/docs", "/redoc", "/api/docs")] == [404, 404, 404]


@every_error
def test_every_error_has_a_status_and_the_deepest_branch_decides_it(kind: type[RoadworthyError]) -> None:
    error = kind("it happened", remedy="Do this.", field="x")
    branch = next((k for k in kind.__mro__ if k in STATUS), None)
    assert status_of(error) == (STATUS[branch] if branch else 500)  # type: ignore[index]
    assert 400 <= status_of(error) < 600


@every_error
def test_an_error_comes_back_from_its_answer_as_its_own_class(kind: type[RoadworthyError]) -> None:
    error = kind("it happened", remedy="Do this.", line=3, key="x", allowed=("a", "b"), extra=object)
    body = body_of(error)
    assert set(body) == SHAPE
    back = error_of(httpx.Response(status_of(error), json=body))
    assert type(back) is kind
    assert (back.what, back.remedy, back.fields["line"]) == ("it happened", "Do this.", 3)
    assert str(back) == str(error)


def test_an_answer_that_is_not_ours_is_unavailable() -> None:
    back = error_of(httpx.Response(502, text="<html>Bad gateway</html>"))
    assert (back.code, "502" in back.what) == ("unavailable", True)


@every_operation
def test_a_reader_changes_nothing_and_nobody_reads_nothing(
    api_at: Callable[[str], Any], method: str, path: str
) -> None:
    api = api_at("serving")
    before = api.world.changes()
    nobody, reader = (api.ask(method, filled(path), actor, json={}) for actor in ("nobody", "ada"))
    assert (nobody.status_code, nobody.json()["code"]) in ((404, "not-found"), (422, "input"))
    assert reader.status_code in ((200, 404, 422) if method == "GET" else (403, 404, 422))
    assert api.world.changes() == before


def test_an_installation_without_a_token_lets_nobody_in(api_at: Callable[[str], Any]) -> None:
    api = api_at("prepared")
    api.app = build_api(api.world.house, "", "admin")
    assert api.ask("GET", "/people", token="").status_code == 401
    assert api.get(f"{PREFIX}/people").status_code == 401
