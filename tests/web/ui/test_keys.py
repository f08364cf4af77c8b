"""The page of access lists everybody's signing keys, and says which were compromised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from roadworthy.services.access.keys import rotate_key


def test_former_and_compromised_keys_are_listed_with_their_times(place_at: Callable[..., Any]) -> None:
    place = place_at("prepared")
    house, admin = place.world.house, place.world.who("admin")
    before = place.world.who("vera").key_id
    after = rotate_key(house, admin, "vera", "a laptop was lost", place.world.clock.now())
    text = place.browser().get("/access").text
    assert before[:16] in text
    assert after.key_id[:16] in text
    assert "compromised since" in text
