"""What looking again at the same held-out rows costs: how many models an analyst may have arrived at by looking.

The first look is honest. Whoever changes a model after a look and looks again has let the rows into the model: of all
models they could have arrived at, they hold the one that happens to look best on these rows.

References:
    Dwork, Feldman, Hardt, Pitassi, Reingold & Roth 2015, "Generalization in Adaptive Data Analysis and Holdout Reuse"
    (a look tells no more than its description length); Blum & Hardt 2015, "The Ladder" (the attack that shows the
    bound is needed).
"""

from __future__ import annotations

import math

from roadworthy.domain.errors import SettingError


def log_models(looks: int, bits: float) -> float:
    """Natural logarithm of how many models an analyst may choose from by the time of the k-th look.

    Who is told `bits` bits per look can be in no more than 2 ** (bits * (looks - 1)) different states before the last
    look, whatever they do with what they were told, and each state leads to one model. An interval that holds for all
    of these models at once holds for the one they chose.

    Args:
        looks: how many looks were taken, this one included, at least 1.
        bits: what one look tells, at least 0: 10 bits are a figure of three digits.

    Raises:
        SettingError: an argument outside its range.

    Example:
        >>> [round(log_models(k, 10.0), 2) for k in (1, 2, 5)]
        [0.0, 6.93, 27.73]
    """
    for name, value, good in (("looks", looks, looks >= 1), ("bits", bits, 0 <= bits < math.inf)):
        if not good:
            raise SettingError(f"{name} is {value:g}", remedy="Allowed: looks from 1, bits from 0.", field=name)
    return bits * (looks - 1) * math.log(2)
