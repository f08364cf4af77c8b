"""The detectors of misuse: distances against SciPy, honest windows left alone, attacks on a small model seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import ks_2samp

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.monitoring.protection.detectors import DETECTORS, TrafficParams, build_profile, look
from roadworthy.monitoring.protection.extraction import excess
from roadworthy.monitoring.protection.novelty import widened, widening
from roadworthy.monitoring.protection.profile import TrafficProfile, TrafficWindow
from roadworthy.monitoring.protection.space import build_space, distances, earlier, nearest
from roadworthy.statistics.frame import Bools, Frame


def customers(rows: int, seed: int) -> Frame:
    """Age and balance that go together, a channel, some missing balances."""
    rng = np.random.default_rng(seed)
    age = rng.normal(45, 12, rows)
    balance = 100 * age + rng.normal(0, 150, rows)
    balance[rng.random(rows) < 0.02] = np.nan
    channel = np.empty(rows, dtype=object)
    channel[:] = rng.choice(["web", "phone", "branch"], rows).tolist()
    return Frame({"age": age, "balance": balance, "visits": rng.gamma(3.0, 1.0, rows), "channel": channel})


def acts(frame: Frame) -> Bools:
    return frame["age"] + 3 * frame["visits"] > 55


@pytest.fixture(scope="module")
def profile() -> TrafficProfile:
    frame = customers(3000, 1)
    return build_profile(frame, acts(frame), np.random.default_rng(0))


def alarms(profile: TrafficProfile, frame: Frame) -> set[str]:
    window = TrafficWindow.of(profile.space.place(frame), acts(frame))
    return {x.detector for x in look(profile, window, DETECTORS) if x.alarm}


def test_distances_are_those_of_scipy_and_the_nearest_is_the_nearest() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 5)), rng.normal(size=(20, 5))
    assert distances(a, b) == pytest.approx(cdist(a, b))
    assert nearest(a, b) == pytest.approx(cdist(a, b).min(axis=1))


def test_the_nearest_earlier_row_of_the_same_group_is_found() -> None:
    rng = np.random.default_rng(1)
    points, groups = rng.normal(size=(25, 3)), rng.random(25) < 0.4
    whole = cdist(points, points)
    for i, found in enumerate(earlier(points, groups)):
        before = [whole[i, j] for j in range(i) if groups[j] == groups[i]]
        assert found == pytest.approx(min(before)) if before else np.isnan(found)


def test_how_far_distances_lie_above_honest_ones_is_what_scipy_says_and_smaller_ones_do_not_count() -> None:
    rng = np.random.default_rng(2)
    reference, sample = np.sort(rng.normal(size=200)), rng.normal(0.5, 1.0, size=90)
    expected = ks_2samp(reference, sample, alternative="greater").statistic
    assert excess(reference, sample) == pytest.approx(expected)
    assert excess(reference, reference - 5.0) == 0.0


def test_widened_points_have_the_same_spread_in_all_directions() -> None:
    points = np.random.default_rng(3).normal(size=(4000, 3)) @ np.array(
        [[3.0, 1.0, 0.0], [0.0, 1.0, 0.5], [0, 0, 1]]
    )
    wide = widened(points, *widening(points))
    assert np.cov(wide.T) == pytest.approx(np.eye(3), abs=1e-9)
    assert wide.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-9)


def test_ranks_categories_and_missing_values_are_on_one_scale() -> None:
    space = build_space(customers(2000, 4))
    frame = Frame(
        {
            "age": np.array([-1e9, 45.0, 1e9]),
            "balance": np.array([np.nan, 4500.0, 4500.0]),
            "visits": np.array([3.0, 3.0, 3.0]),
            "channel": np.array(["web", "web", "letter"], dtype=object),
        }
    )
    points = space.place(frame)
    assert points[0, 0] == pytest.approx(-5.0)
    assert points[2, 0] == pytest.approx(6.0)
    assert points[1, 0] == pytest.approx(0.5, abs=0.05)
    assert list(points[:, 3]) == [1.0, 0.0, 0.0]
    assert np.linalg.norm(points[1, 6:] - points[2, 6:]) == pytest.approx(1.0)


def test_honest_windows_are_left_alone_at_random_and_in_a_segment(profile: TrafficProfile) -> None:
    seen = 0
    for seed in range(200):
        frame = customers(400, 1000 + seed)
        mine = frame.take(frame["channel"] == ("web", "phone", "branch")[seed % 3]) if seed % 2 else frame
        seen += bool(alarms(profile, mine.take(np.arange(100))))
    assert seen <= 4, "at most 2 % of honest windows"


def test_made_up_rows_are_seen_as_copying(profile: TrafficProfile) -> None:
    rng, real = np.random.default_rng(5), customers(100, 6)
    made_up = Frame(
        {
            "age": rng.uniform(0, 100, 100),
            "balance": rng.uniform(-1000, 12_000, 100),
            "visits": rng.uniform(0, 20, 100),
            "channel": real["channel"],
        }
    )
    assert {"extraction", "out-of-domain"} <= alarms(profile, made_up)


def test_values_that_are_usual_alone_and_impossible_together_are_out_of_domain(profile: TrafficProfile) -> None:
    rng, real = np.random.default_rng(7), customers(100, 8)
    shuffled = real.with_column("balance", rng.permutation(real["balance"]))
    assert "out-of-domain" in alarms(profile, shuffled)


def test_a_client_with_one_narrow_kind_of_customer_is_not_taken_for_a_thief(profile: TrafficProfile) -> None:
    frame = customers(6000, 15)
    narrow = (np.abs(frame["age"] - 45) < 2.5) & (frame["channel"] == "web")
    assert "extraction" not in alarms(profile, frame.take(narrow).take(np.arange(100)))


def test_feeling_along_the_boundary_is_seen_as_a_cluster(profile: TrafficProfile) -> None:
    rng, start = np.random.default_rng(9), customers(1, 10)
    moved = start.take(np.zeros(100, dtype=np.int64))
    moved = moved.with_column("age", moved["age"] + rng.normal(0, 0.2, 100))
    found = alarms(profile, moved)
    assert "perturbation-cluster" in found


def test_asking_again_about_the_same_customers_is_no_cluster(profile: TrafficProfile) -> None:
    once = customers(95, 11)
    assert alarms(profile, once.take(np.concatenate([np.arange(95), np.arange(60)]))) == set()
    one = once.take(np.zeros(100, dtype=np.int64))
    assert look(profile, TrafficWindow.of(profile.space.place(one), acts(one)), DETECTORS) == ()


def test_a_profile_survives_being_written_and_is_drawn_by_its_seed_alone(profile: TrafficProfile) -> None:
    frame = customers(3000, 1)
    again = build_profile(frame, acts(frame), np.random.default_rng(0))
    assert again.to_json() == profile.to_json()
    assert TrafficProfile.from_json(profile.to_json()) == profile
    with pytest.raises(DataError, match="not a traffic profile"):
        TrafficProfile.from_json(b"{}")


def test_a_detector_nobody_knows_is_passed_over(profile: TrafficProfile) -> None:
    frame = customers(100, 12)
    window = TrafficWindow.of(profile.space.place(frame), acts(frame))
    assert [x.detector for x in look(profile, window, ("extraction", "of-another-release"))] == ["extraction"]


def test_columns_that_never_vary_or_are_never_there_are_no_obstacle() -> None:
    frame = customers(400, 13)
    odd = Frame({**frame.columns, "same": np.full(400, 7.0), "gone": np.full(400, np.nan)})
    profile = build_profile(odd, np.zeros(400, dtype=np.bool_), np.random.default_rng(0))
    window = TrafficWindow.of(profile.space.place(odd.take(np.arange(100))), np.zeros(100, dtype=np.bool_))
    assert not any(x.alarm for x in look(profile, window, DETECTORS))


def test_too_few_rows_to_know_honest_traffic_by_are_refused() -> None:
    frame = customers(299, 14)
    with pytest.raises(DataError, match="too few"):
        build_profile(frame, acts(frame), np.random.default_rng(0))


def test_a_parameter_out_of_range_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match="'room'"):
        TrafficParams(room=0.5)
