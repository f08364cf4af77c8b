"""False discovery control."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.statistics.multiplicity import adjusted_p_values, benjamini_hochberg, e_benjamini_hochberg


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(max_examples=100)
def test_adjusted_p_values_equal_those_of_scipy(p):
    assert adjusted_p_values(np.array(p)) == pytest.approx(false_discovery_control(p))


def test_benjamini_and_hochberg_s_own_example():
    p = np.array([0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
                  0.6528, 0.7590, 1.0])  # fmt: skip
    assert benjamini_hochberg(p, 0.05).sum() == 4


def test_e_bh_of_a_hand_computed_case():
    e = np.array([3.0, 100.0, 45.0, 0.0])  # thresholds 80, 40, 26.7, 20
    assert e_benjamini_hochberg(e, 0.05).tolist() == [False, True, True, False]


def test_e_bh_rejects_no_more_than_bh_of_the_inverse_e_values():
    e = np.exp(np.random.default_rng(0).normal(2, 2, 200))
    by_p = benjamini_hochberg(np.minimum(1 / e, 1.0), 0.05)
    assert e_benjamini_hochberg(e, 0.05).tolist() == by_p.tolist()


@given(st.permutations(range(8)))
def test_the_order_of_the_questions_does_not_matter(order):
    e = np.array([1.0, 200, 90, 50, 0.5, 33, 8, 161])
    assert e_benjamini_hochberg(e[order]).tolist() == e_benjamini_hochberg(e)[order].tolist()


def test_an_infinite_e_value_is_proof():
    assert e_benjamini_hochberg(np.array([np.inf, 1.0])).tolist() == [True, False]


def test_questions_that_could_not_be_asked_are_refused():
    with pytest.raises(DataError):
        benjamini_hochberg(np.array([0.1, np.nan]))
    with pytest.raises(DataError):
        e_benjamini_hochberg(np.array([1.0, -2.0]))
    with pytest.raises(SettingError):
        benjamini_hochberg(np.array([0.1]), 0.0)


def test_no_questions_have_no_answers():
    assert benjamini_hochberg(np.array([])).tolist() == []
    assert e_benjamini_hochberg(np.array([])).tolist() == []
