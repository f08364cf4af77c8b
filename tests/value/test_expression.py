"""KPI expressions: what they compute, what they refuse, and how they say so."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.domain.errors import DataError, ExpressionError
from roadworthy.statistics.frame import Floats, Frame
from roadworthy.value.expression import compile_expression, evaluate

COLUMNS = ("balance", "job", "emp.var.rate", "default", "end", "age")


def decisions() -> Frame:
    return Frame(
        {
            "balance": np.array([100.0, np.nan, 300.0, 0.0]),
            "job": np.array(["admin.", None, "services", "retired"], dtype=object),
            "emp.var.rate": np.array([1.1, 1.1, -0.1, np.nan]),
            "default": np.array([0, 1, 0, 1], dtype=np.int64),
            "age": np.array([30, 40, 50, 60], dtype=np.int64),
            "score": np.array([0.9, 0.2, 0.6, np.nan]),
            "acted": np.array([True, False, True, False]),
            "outcome": np.array([1.0, 0.0, np.nan, np.nan]),
            "held_out": np.array([False, False, True, True]),
        }
    )


def value_of(text: str) -> Floats:
    return evaluate(compile_expression(text, COLUMNS, "the value"), decisions())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("outcome", [1.0, 0.0, np.nan, np.nan], id="a null outcome is unknown, not 0"),
        pytest.param("balance * 0.1", [10.0, np.nan, 30.0, 0.0], id="a missing input is unknown"),
        pytest.param('"emp.var.rate" + 1', [2.1, 2.1, 0.9, np.nan], id="a dotted column in quotes"),
        pytest.param('"default" * 2', [0.0, 2.0, 0.0, 2.0], id="a reserved word in quotes"),
        pytest.param("acted", [1.0, 0.0, 1.0, 0.0], id="a truth value is 0 or 1"),
        pytest.param("100 / balance", [1.0, np.nan, 1 / 3, np.nan], id="division by zero is unknown"),
        pytest.param(
            "CASE WHEN balance > 50 THEN 1 ELSE 0 END", [1.0, 0.0, 1.0, 0.0], id="NaN is not larger than 50"
        ),
        pytest.param("job LIKE '%i%' AND age BETWEEN 20 AND 55", [1.0, np.nan, 1.0, 0.0], id="text and ranges"),
        pytest.param(
            "greatest(age, 45)::INTEGER -- note", [45.0, 45.0, 50.0, 60.0], id="a function, a cast, a comment"
        ),
    ],
)
def test_an_expression_gives_one_number_per_decision(text: str, expected: list[float]) -> None:
    np.testing.assert_allclose(value_of(text), expected)


def test_a_late_outcome_books_neither_gain_nor_loss() -> None:
    text = "CASE WHEN acted AND outcome = 1 THEN 50 WHEN acted THEN -2 ELSE 0 END"
    # Row 2 was acted on and its outcome is pending; row 3 was not acted on, so its value is 0 whatever happens.
    np.testing.assert_array_equal(value_of(text), [50.0, 0.0, np.nan, 0.0])


@pytest.mark.parametrize("text", ["coalesce(outcome, 0)", "ifnull(outcome, 0)"])
def test_an_expression_that_names_the_unknown_case_is_taken_at_its_word(text: str) -> None:
    np.testing.assert_array_equal(value_of(text), [1.0, 0.0, 0.0, 0.0])


def test_the_share_of_unknown_outcomes_can_be_a_limit() -> None:
    np.testing.assert_array_equal(value_of("outcome IS NULL"), [0.0, 0.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("balanse * 2", ["unknown column 'balanse'", "Did you mean 'balance'", "held_out"], id="typo"),
        pytest.param("Score", ["unknown column 'Score'", "Did you mean 'score'"], id="wrong case"),
        pytest.param("emp.var.rate * 2", ["without quotes", '"emp.var.rate"'], id="dots without quotes"),
        pytest.param("age + * 2", ["syntax error at character 9, near '2'"], id="syntax error inside"),
        pytest.param("CASE WHEN acted THEN 1", ["syntax error at its end"], id="syntax error at the end"),
        pytest.param("default + 1", ["contains DEFAULT", 'quotes: "default"'], id="reserved word without quotes"),
        pytest.param("age + end", ["character 7, near 'end'", "in double quotes"], id="another reserved word"),
        pytest.param("sum(outcome)", ["aggregate 'sum'", "mean over decisions"], id="aggregate"),
        pytest.param("avg(outcome) OVER ()", ["window function"], id="window"),
        pytest.param("(SELECT 1)", ["subquery"], id="subquery"),
        pytest.param("outcome IN (SELECT age FROM decision)", ["subquery"], id="subquery in IN"),
        pytest.param("SELECT 1", ["subquery"], id="a whole query"),
        pytest.param("1; DROP TABLE decision", ["syntax error at character 2"], id="two statements"),
        pytest.param("1) , (2", ["not one scalar"], id="two values by closing the parenthesis"),
        pytest.param("1) FROM read_text('/etc/passwd') AS t(a", ["not one scalar"], id="table function"),
        pytest.param("1) UNION SELECT (2", ["not one scalar"], id="union"),
        pytest.param("1) LIMIT (1", ["not one scalar"], id="limit"),
        pytest.param("random()", ["'random'", "not available"], id="not repeatable"),
        pytest.param("current_timestamp", ["unknown column"], id="a clock"),
        pytest.param("unnest([1, 2])", ["'unnest'"], id="more rows than decisions"),
        pytest.param("rund(age)", ["Did you mean 'round'"], id="function typo"),
        pytest.param("getvariable('x')", ["not available"], id="engine state"),
        pytest.param("list_transform([1], lambda x: x)", ["not available"], id="lambda"),
        pytest.param("*", ["star"], id="star"),
        pytest.param("$1", ["parameter"], id="parameter"),
        pytest.param("", ["empty"], id="nothing"),
        pytest.param("'yes'", ["varchar, not a number"], id="text constant"),
        pytest.param("age" + " + 1" * 2000, ["characters"], id="too long"),
        pytest.param("acted * 10", ["cannot be computed"], id="types that do not fit"),
    ],
)
def test_a_wrong_expression_is_refused_and_told_what_to_write(text: str, said: list[str]) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text, COLUMNS, "the value")
    assert str(refused.value).startswith("the value")
    for part in said:
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("job", "varchar, not a number", id="text column"),
        pytest.param("job::INTEGER", "cannot be computed", id="text that is no number"),
        pytest.param("pow(10, age * 10)", "infinite", id="infinity"),
        pytest.param("age + job", "cannot be computed", id="number plus text"),
    ],
)
def test_a_result_that_is_no_number_is_refused_when_evaluated(text: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        value_of(text)


def test_columns_that_sql_cannot_tell_apart_are_refused() -> None:
    with pytest.raises(ExpressionError, match="cannot tell apart"):
        compile_expression("y + Y", ("y", "Y"), "the value")
    assert compile_expression("Y", ("y", "Y"), "the value").columns == ("Y",)


def test_data_without_a_column_of_the_expression_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="balance"):
        evaluate(compile_expression("balance", COLUMNS, "the value"), decisions().drop(["balance"]))


def test_evaluation_neither_changes_nor_reorders_the_rows() -> None:
    n = 20_000
    frame = Frame({"age": np.arange(n, dtype=np.int64), "outcome": np.full(n, np.nan)})
    values = evaluate(compile_expression("age * 2 + 0 * coalesce(outcome, 0)", ("age",), "the value"), frame)
    np.testing.assert_array_equal(values, 2.0 * np.arange(n))
    assert np.isnan(frame["outcome"]).all()


@pytest.mark.parametrize("text", ["balance * 0.1", "balance", "length(balance) + 1", "score * acted::INTEGER"])
def test_one_decision_without_any_input_is_unknown_and_not_an_error(text: str) -> None:
    nothing = np.array([None], dtype=object)
    frame = Frame({"balance": nothing, "score": nothing, "acted": np.array([True]), "outcome": np.array([1.0])})
    assert np.isnan(evaluate(compile_expression(text, ("balance",), "the value"), frame)).all()


def test_no_decisions_give_no_values() -> None:
    assert evaluate(compile_expression("age", COLUMNS, "the value"), decisions().take(np.zeros(4, bool))).shape == (
        0,
    )
