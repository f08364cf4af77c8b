"""Which trace contexts count, after W3C's own examples and rules."""

from __future__ import annotations

import pytest

from roadworthy.gateway.protocol.trace import trace_id

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"

VALID = {
    "version 00": f"00-{TRACE}-{SPAN}-01",
    "not sampled": f"00-{TRACE}-{SPAN}-00",
    "flags unknown today": f"00-{TRACE}-{SPAN}-ff",
    "a later version": f"cc-{TRACE}-{SPAN}-01",
    "a later version that says more": f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like",
}
INVALID = {
    "nothing": "",
    "version ff": f"ff-{TRACE}-{SPAN}-01",
    "version 00 that says more": f"00-{TRACE}-{SPAN}-01-more",
    "more without a dash": f"cc-{TRACE}-{SPAN}-01.more",
    "a trace id of zeros": f"00-{'0' * 32}-{SPAN}-01",
    "a span id of zeros": f"00-{TRACE}-{'0' * 16}-01",
    "capitals": f"00-{TRACE.upper()}-{SPAN}-01",
    "too short": f"00-{TRACE[1:]}-{SPAN}-01",
    "a line break": f"00-{TRACE}-{SPAN}-01\n",
    "far too long": f"cc-{TRACE}-{SPAN}-01-{'x' * 600}",
}


@pytest.mark.parametrize("header", VALID.values(), ids=VALID)
def test_a_valid_context_names_its_trace(header: str) -> None:
    assert trace_id(header.encode()) == TRACE


@pytest.mark.parametrize("header", INVALID.values(), ids=INVALID)
def test_an_invalid_context_is_as_if_there_were_none(header: str) -> None:
    assert trace_id(header.encode()) == ""
