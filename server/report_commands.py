"""Decides the commands of `billing report`: pictures of a clinic's figures, for people."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import click
import orjson

from db.pools import Database
from domain.clinics import clinic_day
from domain.people import Role
from exports.pictures import aging_html, aging_svg
from permissions.viewers import Viewer
from resolvers.context import RequestContext
from schema.whole import role_schemas
from server.addresses import Address, opened
from server.executing import Engine
from server.sessions import Sessions
from server.settings import Settings

_DRAWN = {".svg": aging_svg, ".html": aging_html}
# The trend of two years before the day.
_DAYS_BACK = 730
_NOBODY = UUID(int=0)
_ASKED = """query ($asOf: Date!, $of: AnalyticsFilter!) {
    aging(asOf: $asOf) { asOf invoiceCount outstanding buckets { fromDays toDays invoiceCount outstanding } }
    agingByPayer(asOf: $asOf) { payer { name } outstanding medianDaysToPay buckets { fromDays toDays outstanding } }
    analytics(filter: $of, asOf: $asOf) { trend { month collectionRate { value } daysInAr { median } } } }"""


@click.group(help="Pictures of a clinic's figures.")
def report() -> None:
    """Reports."""


@report.command(help="Draw what is open by age and payer, and how fast it was paid, as one page of SVG or HTML.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day, such as 2026-09-30; today without it.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A file .svg or .html.")
@click.option("--clinic", help="Short name of the clinic; needed where there are several.")
@click.pass_obj
def aging(settings: Settings, as_of: datetime | None, out: Path, clinic: str | None) -> None:
    """Write the picture."""
    if out.suffix not in _DRAWN:
        raise click.UsageError("--out names a file that ends in .svg or .html")
    name, figures = asyncio.run(_figures(settings, clinic, as_of.date() if as_of else None))
    out.write_text(_DRAWN[out.suffix](name, figures), encoding="utf-8")
    click.echo(f"{out}: {figures['aging']['invoiceCount']:,} open invoices as of {figures['aging']['asOf']}.")


async def _figures(settings: Settings, clinic: str | None, as_of: date | None) -> tuple[str, dict[str, Any]]:
    async with opened(settings) as address:
        found = await _find_clinic(address, clinic)
        today = clinic_day(datetime.now(UTC), found["time_zone"])
        day = as_of or today
        if day > today:
            raise click.UsageError("--as-of is today or a day that has passed")
        return found["name"], await _asked(address, found, day)


async def _find_clinic(address: Address, short_name: str | None) -> asyncpg.Record:
    connection = await asyncpg.connect(address.owner)
    try:
        query = "select clinic_id, name, short_name, time_zone from clinics where $1::text is null or short_name = $1"
        found = await connection.fetch(query, short_name)
    except asyncpg.UndefinedTableError as error:
        raise click.ClickException("The database is not up to date: run `billing migrate` first") from error
    finally:
        await connection.close()
    if len(found) != 1:
        raise click.UsageError("--clinic names no clinic" if short_name else "say which clinic by --clinic")
    return found[0]


async def _asked(address: Address, clinic: asyncpg.Record, day: date) -> dict[str, Any]:
    """The same figures as the API answers to billing staff, by the same statements."""
    viewer = Viewer(
        clinic_id=clinic["clinic_id"],
        user_id=_NOBODY,
        session_id=_NOBODY,
        role=Role.BILLING,
        email="",
        name="",
        person_id=None,
        clinic_short_name=clinic["short_name"],
        clinic_name=clinic["name"],
        time_zone=clinic["time_zone"],
    )
    period = {"from": (day - timedelta(days=_DAYS_BACK)).isoformat(), "to": day.isoformat()}
    async with Database(address.login) as database:
        engine, context = Engine(role_schemas()), _context(viewer, database)
        prepared = engine.prepare(context, _ASKED)
        result = await engine.execute(prepared, context, {"asOf": day.isoformat(), "of": period}, None)
    if result.errors or result.data is None:
        raise click.ClickException("The figures could not be worked out")
    return {name: _read(fragment) for name, fragment in result.data.items()}


def _context(viewer: Viewer, database: Database) -> RequestContext:
    # Nothing that is asked for has a link.
    return RequestContext(viewer, database, Sessions(database), "report", link_key=b"", find_base_url=str)


def _read(fragment: Any) -> Any:
    return orjson.loads(orjson.dumps(fragment))
