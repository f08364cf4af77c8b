"""What looking again at the same held-out rows costs: how far a figure may lie from the truth after k looks.

The first look is honest. Whoever changes a model after a look and looks again has let the rows into the model: of all
models they could have arrived at, they hold the one that happens to look best on these rows.

References:
    Hoeffding 1963, JASA 58, section 5b (two-sample U-statistics, of which AUC is one); Dwork, Feldman, Hardt,
    Pitassi, Reingold & Roth 2015, "Generalization in Adaptive Data Analysis and Holdout Reuse" (a look tells no more
    than its description length); Blum & Hardt 2015, "The Ladder" (the attack that shows the bound is needed).
"""

from __future__ import annotations

import math

from roadworthy.domain.errors import SettingError


def looks_width(rows: int, looks: int, level: float, bits: float) -> float:
    """Half width of an interval around the k-th figure that holds whatever was learned from the k - 1 before.

    A figure in 0..1 that Hoeffding's inequality covers lies within t of its expectation but for a chance of
    2 exp(-2 rows t^2). An analyst who is told `bits` bits per look can have arrived at no more than
    2 ** (bits * (looks - 1)) different models before the last look; a union bound over all of them gives

        t = sqrt((bits * (looks - 1) * ln 2 + ln(2 / (1 - level))) / (2 * rows)).

    For one look this is Hoeffding's interval.

    Args:
        rows: independent rows behind the figure, at least 1; for AUC the rows of the rarer class.
        looks: how many looks were taken, this one included, at least 1.
        level: of the interval, 0..1 exclusive.
        bits: what one look tells, at least 0: 10 bits are a figure of three digits.

    Raises:
        SettingError: an argument outside its range.

    Example:
        >>> [round(looks_width(500, k, 0.95, 10.0), 3) for k in (1, 2, 5)]
        [0.061, 0.103, 0.177]
    """
    for name, value, good in (
        ("rows", rows, rows >= 1),
        ("looks", looks, looks >= 1),
        ("level", level, 0 < level < 1),
        ("bits", bits, 0 <= bits < math.inf),
    ):
        if not good:
            raise SettingError(
                f"{name} is {value:g}",
                remedy="Allowed: rows and looks from 1, level in 0..1, bits from 0.",
                field=name,
            )
    learned = bits * (looks - 1) * math.log(2)
    return math.sqrt((learned + math.log(2 / (1 - level))) / (2 * rows))
