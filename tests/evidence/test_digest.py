"""Digests against the SHA-256 test vectors of FIPS 180-4 and by hand-written canonical text."""

import hashlib
from dataclasses import replace

from roadworthy.evidence.digest import digest_json, digest_of, is_digest, sha256


def test_the_published_vector_for_abc_comes_out():
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_json_digest_is_over_the_canonical_text():
    assert digest_json({"b": 1.0, "a": "é"}) == hashlib.sha256('{"a":"é","b":1}'.encode()).hexdigest()


def test_equal_entities_have_one_digest_and_any_change_another(world):
    same, other = replace(world.CONTRACT), replace(world.CONTRACT, target=0.41)
    assert digest_of(same) == digest_of(world.CONTRACT) != digest_of(other)


def test_only_sixty_four_lower_case_hex_digits_have_the_form_of_a_digest():
    good = "0" * 64
    assert is_digest(good)
    assert not any(map(is_digest, (good[:-1], good + "0", good + "\n", "A" * 64, "", None, 0)))
