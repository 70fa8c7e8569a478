"""What a clinic lacks before its first invoice, document, claim, reminder and export, for an operator."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import asyncpg

from db.reports.readiness import find_gaps
from domain.clinics import clinic_day
from domain.records.readiness import GAPS, ReadinessGap, ReadinessStep, missing_by_step
from server.accounts import AccountError
from server.database_urls import DatabaseUrls

_CLINIC = "select clinic_id, time_zone from clinics where short_name = $1"


async def check_clinic(
    address: DatabaseUrls, short_name: str
) -> Sequence[tuple[ReadinessStep, tuple[ReadinessGap, ...]]]:
    """Each step with its gaps, by one statement; AccountError for an unknown clinic."""
    connection = await asyncpg.connect(address.owner)
    try:
        found = await connection.fetchrow(_CLINIC, short_name)
        if found is None:
            raise AccountError(f"There is no clinic {short_name}: `billing clinic list` lists them")
        today = clinic_day(datetime.now(UTC), found["time_zone"])
        return list(missing_by_step(await find_gaps(connection, found["clinic_id"], today)))
    finally:
        await connection.close()


def as_lines(step: ReadinessStep, missing: Sequence[ReadinessGap]) -> Iterator[str]:
    """A step and what is missing for it, with where it is mended."""
    yield f"{step.replace('_', ' ').capitalize()}: {f'{len(missing)} missing' if missing else 'ready'}"
    for gap in missing:
        yield f"  {gap.name}: {GAPS[gap].message}. Mend it by: {GAPS[gap].where}"
