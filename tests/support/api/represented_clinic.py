"""A clinic whose days pass when a test says so, with two attorneys of different firms who sign in."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from db.pools import Database
from domain.billing.outcomes import Actor
from domain.clinics import clinic_day
from jobs.attorney_changes import apply_attorney_changes
from resolvers.commands.billing.representations import list_owed_by_former_firm
from resolvers.commands.unit_of_work import UnitOfWork
from tests.support.api.clinic_clock import NEW_YORK, ClinicClock, moment
from tests.support.api.records import today, uuid_of
from tests.support.api.scenarios import Clinic
from tests.support.client import Client
from tests.support.databases import rows

CASE = """case { id attorney { id } representations { attorney { id } fromOn untilOn }
    attorneyChange { id attorney { id } effectiveOn requestedBy { name } } }"""
REDUCTIONS = """query ($of: AnalyticsFilter!, $asOf: Date) { analytics(filter: $of, asOf: $asOf) {
    reductionsByAttorney { attorney { id } invoiceCount reductionRate { numerator } } } }"""
ITEMS = "{ actionItems(first: 500) { nodes { kind dueOn subject invoice { id } } } }"


# The database keeps the states of invoices by its own clock.
START = today()


def day(number: int) -> str:
    """A day so many days after the first day of the story."""
    return (START + timedelta(days=number)).isoformat()


@dataclass
class RepresentedClinic(Clinic):
    """A clinic whose clock the test sets, two attorneys of different firms with accounts, and a payer of each firm."""

    clock: ClinicClock
    lawyers: tuple[str, str]
    clients: tuple[Client, Client]
    payers: tuple[str, str]

    def come(self, number: int, hour: int = 12, minute: int = 0) -> None:
        """Go to a time of a later day, without running the worker."""
        self.clock.moment = moment(START + timedelta(days=number), hour, minute)

    def work(self, workers: int = 1) -> int:
        """Run the worker's changes of attorney at the present time, in so many workers at once."""

        async def one() -> int:
            async with Database(self.address.login) as database:
                return await apply_attorney_changes(database, self.clock)

        async def run() -> int:
            return sum(await asyncio.gather(*(one() for _ in range(workers))))

        return asyncio.run(run())

    def see(self, case: str) -> tuple[bool, bool]:
        """Whether each attorney sees the case and all of its invoices; nobody sees a part of it."""
        seen = []
        for client in self.clients:
            answer = client.read(
                """query ($id: ID!, $f: InvoiceFilter) { case(id: $id) { id } cases(first: 500) { nodes { id } }
                invoices(first: 500) { nodes { case { id } } } }""".replace(", $f: InvoiceFilter", ""),
                id=case,
            )
            parts = {
                answer["case"] is not None,
                case in [node["id"] for node in answer["cases"]["nodes"]],
                case in [node["case"]["id"] for node in answer["invoices"]["nodes"]],
            }
            assert len(parts) == 1, parts
            seen.append(parts.pop())
        return seen[0], seen[1]

    def look_at(self, case: str) -> Any:
        """The case as billing staff see it."""
        return self.billing.read(f"query ($id: ID!) {{ {CASE.replace('case {', 'case(id: $id) {', 1)} }}", id=case)[
            "case"
        ]

    def reductions(self, as_of: str | None = None) -> dict[str, str]:
        """The sum of the reductions of the story's invoices by attorney: all others were created on earlier days."""
        answer = self.billing.read(REDUCTIONS, of={"from": day(-1), "to": day(100)}, asOf=as_of)
        return {
            row["attorney"]["id"]: row["reductionRate"]["numerator"]
            for row in answer["analytics"]["reductionsByAttorney"]
        }

    def owed_by_former_firm(self, case: str) -> list[UUID]:
        """The invoices that the command's function lists."""

        async def run() -> list[UUID]:
            [row] = await asyncio.to_thread(
                rows, self.address, "select clinic_id from cases where id = $1", uuid_of(case)
            )
            async with (
                Database(self.address.login) as database,
                database.working(row["clinic_id"]) as connection,
            ):
                await connection.execute(
                    f"set local role clinic_billing; set local app.clinic_id = '{row['clinic_id']}'"
                )
                today = clinic_day(self.clock.moment, NEW_YORK)
                known: Any = (
                    connection,
                    row["clinic_id"],
                    None,
                    Actor(None, today, self.clock.moment),
                    self.clock.moment,
                    "test",
                    {},
                )
                return await list_owed_by_former_firm(UnitOfWork(*known), uuid_of(case))

        return asyncio.run(run())
