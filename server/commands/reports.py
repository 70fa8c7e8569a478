"""The commands of `billing report`: reports of a clinic's accounts receivable as SVG or HTML."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import click
import orjson

from db.pools import Database
from domain.access.people import Role
from domain.clinics import clinic_day
from exports.pictures import aging_html, aging_svg
from identity.sessions import Sessions
from permissions.viewers import Viewer
from resolvers.context import RequestContext
from schema.whole import role_schemas
from server.commands.options import pass_settings
from server.database_urls import DatabaseUrls, opened
from server.execution.graphql_executor import GraphQLExecutor
from server.settings import Settings

_DRAWN = {".svg": aging_svg, ".html": aging_html}
# The trend covers two years before the day.
_DAYS_BACK = 730
_NOBODY = UUID(int=0)
_ASKED = """query ($asOf: Date!, $of: AnalyticsFilter!) {
    aging(asOf: $asOf) { asOf invoiceCount outstanding buckets { fromDays toDays invoiceCount outstanding } }
    agingByPayer(asOf: $asOf) { payer { name } outstanding medianDaysToPay buckets { fromDays toDays outstanding } }
    analytics(filter: $of, asOf: $asOf) { trend { month collectionRate { value } daysInAr { median } } } }"""


@click.group(help="Draw reports of a clinic as SVG or HTML.")
def report() -> None:
    """Reports."""


@report.command(help="Draw the aging of accounts receivable by payer, with days to pay, as one page of SVG or HTML.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day, such as 2026-09-30; today by default.")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write, .svg or .html."
)
@click.option("--clinic", help="Short name of the clinic; required if there are several.")
@pass_settings
def aging(settings: Settings, as_of: datetime | None, out: Path, clinic: str | None) -> None:
    """Write the aging report."""
    if out.suffix not in _DRAWN:
        raise click.UsageError("--out must be a file that ends in .svg or .html")
    name, figures = asyncio.run(_figures(settings, clinic, as_of.date() if as_of else None))
    out.write_text(_DRAWN[out.suffix](name, figures), encoding="utf-8")
    click.echo(f"{out}: {figures['aging']['invoiceCount']:,} open invoices as of {figures['aging']['asOf']}.")


async def _figures(settings: Settings, clinic: str | None, as_of: date | None) -> tuple[str, dict[str, Any]]:
    async with opened(settings) as address:
        found = await _find_clinic(address, clinic)
        today = clinic_day(datetime.now(UTC), found["time_zone"])
        day = as_of or today
        if day > today:
            raise click.UsageError("--as-of must not be in the future")
        return found["name"], await _asked(address, found, day)


async def _find_clinic(address: DatabaseUrls, short_name: str | None) -> asyncpg.Record:
    connection = await asyncpg.connect(address.owner)
    try:
        query = "select clinic_id, name, short_name, time_zone from clinics where $1::text is null or short_name = $1"
        found = await connection.fetch(query, short_name)
    except asyncpg.UndefinedTableError as error:
        raise click.ClickException("The database is not up to date: run `billing migrate` first") from error
    finally:
        await connection.close()
    if len(found) != 1:
        raise click.UsageError(
            "There is no clinic with this short name"
            if short_name
            else "There are several clinics: choose one with --clinic"
        )
    return found[0]


async def _asked(address: DatabaseUrls, clinic: asyncpg.Record, day: date) -> dict[str, Any]:
    """The figures that the API answers to billing staff, by the same SQL statements."""
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
        engine, context = GraphQLExecutor(role_schemas()), _context(viewer, database)
        prepared = engine.prepare(context, _ASKED)
        result = await engine.execute(prepared, context, {"asOf": day.isoformat(), "of": period}, None)
    if result.errors or result.data is None:
        raise click.ClickException("The figures could not be calculated")
    return {name: _read(fragment) for name, fragment in result.data.items()}


def _context(viewer: Viewer, database: Database) -> RequestContext:
    # No field of the query has a signed URL, so that key and base URL are empty.
    return RequestContext(viewer, database, Sessions(database), "report")


def _read(fragment: Any) -> Any:
    return orjson.loads(orjson.dumps(fragment))
