"""The errors: one tree, each with its stable code, exit code and HTTP status."""

from __future__ import annotations

from scripts.pages.markdown import code, page, prose, table

from roadworthy.cli.exits import exit_of
from roadworthy.domain.errors import RoadworthyError
from roadworthy.gateway.protocol import edge as gateway
from roadworthy.web.api.entry.edge import status_of

_INTRO = """
Every error says what happened, what to do next (`remedy`), and the facts by name (`fields`). `code` is
stable: write programs against it. The API answers `{"code": ..., "what": ..., "remedy": ..., "fields":
{...}}` with the status below; the command line writes one sentence to stderr, or the same fields with
`--json`, and ends with the exit code below; the Python face raises the class.
"""


def errors_page() -> str:
    """`reference/errors.md`."""
    rows = [
        (
            "&nbsp;" * 4 * depth + code(kind.__name__),
            code(kind.code),
            prose(kind.__doc__).splitlines()[0],
            exit_of(kind("x", remedy="y")),
            status_of(kind("x", remedy="y")),
            gateway.error_reply(kind("x", remedy="y")).status,
        )
        for depth, kind in tree(RoadworthyError)
    ]
    return page(
        "Errors", _INTRO, table(("class", "code", "meaning", "exit code", "API status", "gateway status"), rows)
    )


def tree(kind: type[RoadworthyError], depth: int = 0) -> list[tuple[int, type[RoadworthyError]]]:
    """An error class and all below it, each with its depth, in the order of the drawn tree."""
    return [(depth, kind), *(entry for below in kind.__subclasses__() for entry in tree(below, depth + 1))]
