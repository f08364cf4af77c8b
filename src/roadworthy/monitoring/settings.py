"""One way for every detector's parameters to refuse a value outside its range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roadworthy.domain.errors import SettingError


@dataclass(frozen=True)
class DetectorParams:
    """Base of every detector's parameters; `RANGES` maps a field to (lowest, highest), both allowed."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {}

    def __post_init__(self) -> None:
        """Refuse a value outside its range, by name."""
        for name, (low, high) in self.RANGES.items():
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
                raise SettingError(
                    f"'{name}' of {type(self).__name__} is {value!r}",
                    remedy=f"Allowed: {low:g} to {high:g}.",
                    field=name,
                )
