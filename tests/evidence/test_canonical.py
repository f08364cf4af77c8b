"""Canonical JSON against the published numbers and examples of RFC 8785, and against V8."""

import hashlib
import json
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.domain.errors import CouldNotVerifyError, DataError
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.canonical import canonical, parse_canonical, to_json

APPENDIX_B = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}

V8_DIGEST = "f998211855f5511d39189c429f60488c500c6a1bd16c36ece45a4a18c7e75a8e"
"""SHA-256 of JSON.stringify of the numbers of `drawn_numbers(5000)`, one per line, computed once with node."""


def drawn_numbers(draws: int):
    """Doubles from a hash chain: any bits, decimals of all magnitudes, and large integers."""
    done, block = 0, 0
    while done < draws:
        data = hashlib.sha256(f"roadworthy number {block}".encode()).digest()
        block += 1
        for k in range(4):
            (any_bits,), (whole,) = struct.unpack_from(">d", data, 8 * k), struct.unpack_from(">I", data, 8 * k)
            if done < draws and math.isfinite(any_bits):
                done += 1
                yield any_bits
                yield (whole - 2**31) / float(f"1e{data[8 * k + 4] % 24}")
                yield float(whole) * 2.0 ** (data[8 * k + 5] % 48)


@pytest.mark.parametrize(("bits", "text"), APPENDIX_B.items(), ids=APPENDIX_B.values())
def test_a_number_of_rfc_8785_appendix_b_is_written_as_published(bits, text):
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]) == text.encode()


def test_fifteen_thousand_numbers_are_written_as_the_v8_engine_writes_them():
    lines = b"".join(canonical(x) + b"\n" for x in drawn_numbers(5000))
    assert hashlib.sha256(lines).hexdigest() == V8_DIGEST


def test_the_example_of_rfc_8785_section_3_2_2_comes_out_as_published():
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(value) == expected.encode()


def test_keys_are_ordered_by_utf16_code_units_as_in_rfc_8785_section_3_2_3():
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    order = [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]
    assert list(json.loads(canonical(value)).values()) == order


def test_control_characters_are_escaped_the_short_way_and_nothing_else_is():
    text = '\b\t\n\f\r\x00\x1f\x7f"\\/</script>é😀'
    assert canonical(text).decode() == '"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f\\"\\\\/</script>é😀"'


REFUSED = {
    "not a number": ({"a": [1.0, math.nan]}, r"\$\.a\[1\] is nan"),
    "infinity": ([math.inf], r"\$\[0\] is inf"),
    "minus infinity": (-math.inf, r"\$ is -inf"),
    "an integer no double carries": ({"seed": 2**60}, r"\$\.seed is an integer beyond"),
    "an integer beyond all doubles": (10**400, "integer beyond"),
    "half a surrogate pair": ("\ud800", "surrogate"),
    "half a surrogate pair as key": ({"\ud800": 1}, "surrogate"),
    "a key that is not text": ({1: 2}, "the key 1, which is not text"),
    "bytes": (b"x", "is a bytes"),
    "an enum": ([Verdict.PASS], "is a Verdict"),
}


@pytest.mark.parametrize(("value", "message"), REFUSED.values(), ids=REFUSED)
def test_what_json_cannot_carry_is_refused_with_its_place(value, message):
    with pytest.raises(DataError, match=message):
        canonical(value)


def test_nesting_beyond_the_limit_is_refused_and_not_a_crash():
    value: list = []
    for _ in range(5000):
        value = [value]
    with pytest.raises(DataError, match="deeper than 100"):
        canonical(value)


@pytest.mark.parametrize("value", [2**53, 10**18, -(10**20), 2**53 - 1], ids=str)
def test_a_large_integer_whose_double_prints_the_same_digits_is_kept(value):
    assert canonical(value) == str(value).encode() == canonical(float(value))


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(JSON_VALUES)
def test_canonical_bytes_mean_the_same_value_and_are_canonical_themselves(value):
    data = canonical(value)
    assert json.loads(data, parse_int=float) == value  # a JSON number is a double
    assert canonical(parse_canonical(data, "it")) == data


NOT_CANONICAL = {
    "a space": b'{"a": 1}',
    "a line end": b"[1]\n",
    "keys out of order": b'{"b":1,"a":2}',
    "a key twice": b'{"a":1,"a":1}',
    "one point zero": b"1.0",
    "minus zero": b"-0",
    "a capital exponent": b"1E+30",
    "a needless escape": b'"\\u0041"',
    "an escaped slash": b'"\\/"',
    "digits no double carries": b"1152921504606846976",
    "a number beyond all doubles": b"1e400",
    "broken UTF-8": b'"\xff"',
    "nothing": b"",
    "two values": b"1 2",
    "deep nesting": b"[" * 20_000,
}


@pytest.mark.parametrize("data", NOT_CANONICAL.values(), ids=NOT_CANONICAL)
def test_bytes_that_are_not_canonical_are_refused(data):
    with pytest.raises(CouldNotVerifyError, match="the document is not"):
        parse_canonical(data, "the document")


def test_an_entity_becomes_json_and_what_json_has_no_word_for_is_refused(world):
    assert to_json(world.VERSION)["format"] == "onnx"
    assert to_json(world.VERSION)["created_at"] == "2026-02-19T09:30:00Z"
    with pytest.raises(DataError, match="object cannot be written"):
        to_json(object())
