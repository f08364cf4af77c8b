"""The contract of several arms, and columns given as arrays."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.domain.errors import ConflictError, InputError
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.serving import Arm, ArmRole
from roadworthy.gateway.protocol.columns import Contract, from_array

NEEDED = ColumnSpec("a", DType.FP64)
GAPPY = ColumnSpec("a", DType.FP64, missing_allowed=True)


def arm(role: ArmRole, *columns: ColumnSpec) -> Arm:
    return Arm(role.value, role, 0.5, "v", "0", 0.5, Signature(columns))


def test_only_the_champions_columns_must_be_sent() -> None:
    new = ColumnSpec("new", DType.BOOL)
    contract = Contract.of([arm(ArmRole.CHALLENGER, NEEDED, new), arm(ArmRole.CHAMPION, NEEDED)])
    assert set(contract.columns) == {"a", "new"}
    contract.refuse_others(["a"])


def test_a_value_may_be_missing_only_if_every_arm_takes_it() -> None:
    contract = Contract.of([arm(ArmRole.CHAMPION, GAPPY), arm(ArmRole.CHALLENGER, NEEDED)])
    assert not contract.columns["a"].missing_allowed


def test_arms_that_disagree_on_a_type_are_refused() -> None:
    with pytest.raises(ConflictError, match="'a'"):
        Contract.of([arm(ArmRole.CHAMPION, NEEDED), arm(ArmRole.CHALLENGER, ColumnSpec("a", DType.BYTES))])


@pytest.mark.parametrize(
    ("spec", "given", "expected"),
    [
        pytest.param(GAPPY, np.array([1.0, np.nan]), [1.0, None], id="float with a gap"),
        pytest.param(NEEDED, np.array([1, 2]), [1.0, 2.0], id="whole numbers for floats"),
        pytest.param(
            ColumnSpec("a", DType.INT64, True), np.array([3.0, np.nan]), [3.0, None], id="integer with a gap"
        ),
        pytest.param(
            ColumnSpec("a", DType.BOOL, True), np.array([1.0, np.nan]), [1.0, None], id="boolean with a gap"
        ),
        pytest.param(ColumnSpec("a", DType.BYTES, True), np.array(["x", None]), ["x", None], id="text with a gap"),
        pytest.param(ColumnSpec("a", DType.BYTES), np.array(["x", "y"]), ["x", "y"], id="fixed-width text"),
    ],
)
def test_an_array_is_taken_as_its_column(spec: ColumnSpec, given: np.ndarray, expected: list[object]) -> None:
    assert [None if v != v else v for v in from_array(spec, given).tolist()] == expected  # noqa: PLR0124


@pytest.mark.parametrize(
    ("spec", "given"),
    [
        pytest.param(NEEDED, np.array([np.nan]), id="gap"),
        pytest.param(NEEDED, np.array([np.inf]), id="infinite"),
        pytest.param(NEEDED, np.array([[1.0]]), id="two-dimensional"),
        pytest.param(NEEDED, np.array(["1"]), id="text for numbers"),
        pytest.param(ColumnSpec("a", DType.INT64, True), np.array([1.5]), id="fraction for integers"),
        pytest.param(ColumnSpec("a", DType.INT64, True), np.array([np.inf]), id="infinite integer"),
        pytest.param(ColumnSpec("a", DType.BOOL, True), np.array([2.0]), id="two for a boolean"),
        pytest.param(ColumnSpec("a", DType.BYTES), np.array([1, 2]), id="numbers for text"),
        pytest.param(ColumnSpec("a", DType.BYTES), np.array([b"x"]), id="bytes for text"),
        pytest.param(ColumnSpec("a", DType.FP64), np.array(["2020-01-01"], dtype="M8[D]"), id="times"),
    ],
)
def test_an_array_that_does_not_fit_is_refused_by_name(spec: ColumnSpec, given: np.ndarray) -> None:
    with pytest.raises(InputError) as caught:
        from_array(spec, given)
    assert caught.value.fields["column"] == "a"
