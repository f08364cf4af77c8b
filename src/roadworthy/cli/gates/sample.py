"""Which production sample a gate looks at."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.desk import Desk
from roadworthy.cli.lookups import newest_dataset
from roadworthy.domain.errors import NotFoundError
from roadworthy.domain.model import DatasetRole
from roadworthy.sdk import Road


def traffic_for(desk: Desk, road: Road, use_case: str, given: str) -> str:
    """A data set's id: of a file registered now, as given, or the newest production sample of the use case.

    Raises:
        NotFoundError: nothing was given and none is registered.
    """
    if given and Path(given).is_file():
        sample = road.data(Path(given), use_case, "production")
        desk.note(f"Registered '{given}' as production sample {sample.id} ({sample.rows:,} rows).")
        return sample.id
    found = given or newest_dataset(road, use_case, DatasetRole.PRODUCTION)
    if not found:
        raise NotFoundError(
            f"'{use_case}' has no production sample",
            remedy=f"Register one: `roadworthy register data FILE --use-case {use_case} --role production`.",
            use_case=use_case,
        )
    return found
