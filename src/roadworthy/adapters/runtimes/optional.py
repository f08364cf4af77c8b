"""Libraries that only some formats need: imported at first use, and named with the install command when absent."""

from __future__ import annotations

import importlib
from typing import Any

from roadworthy.domain.errors import MissingExtraError


def library(name: str, extra: str, what: str) -> Any:
    """The module `name`, which the extra `extra` installs. Raises MissingExtraError: `what` needs it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"{what} needs {name}", remedy=f'Install it: pip install "roadworthy[{extra}]"', extra=extra
        ) from error
