"""Merges in a database for comparisons: patients with cases of several attorneys, payers with payments, chains, and an undone one."""

from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import asyncpg

from domain.ids import new_id

_MOMENT = datetime(2026, 6, 30, 1, 2, 3, 450000, tzinfo=UTC)
# Those with most business first, patients who are related to the demo's attorney or physician before others.
_PATIENTS = """select p.id from patients p left join cases c on c.clinic_id = p.clinic_id and c.patient_id = p.id
    where p.clinic_id = $1 group by p.id order by bool_or(c.attorney_id = (select attorney_id from users u
        where u.clinic_id = $1 and u.role = 'attorney')) desc nulls last, count(c.id) desc, p.id limit 16"""
_PAYERS = """select p.id from payers p left join invoices i on i.clinic_id = p.clinic_id and i.payer_id = p.id
    where p.clinic_id = $1 and p.kind = $2 and p.patient_id is null group by p.id
    order by count(i.id) desc, p.id limit 8"""
_OWN_PAYERS = "select id from payers where clinic_id = $1 and patient_id = $2 and merged_into_id is null order by id"


class _Merges:
    """Adds merges to one clinic."""

    def __init__(self, connection: asyncpg.Connection, clinic: Any, user: Any) -> None:
        self.connection, self.clinic, self.user = connection, clinic, user
        self._numbers = count()

    async def add(self, kind: str, merged: Any, surviving: Any, part_of: Any = None, reason: str | None = None) -> Any:
        """Merge one record into another one; returns the id of the merge."""
        at = _MOMENT + timedelta(seconds=next(self._numbers))
        row = {"clinic_id": self.clinic, "id": new_id(at), f"merged_{kind}_id": merged, "reason": reason}
        row |= {f"surviving_{kind}_id": surviving, "part_of_id": part_of, "merged_by": self.user, "merged_at": at}
        row |= {"before": "{}", "different_attorneys": kind == "patient"}
        places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
        await self.connection.execute(f"insert into merges ({', '.join(row)}) values ({places})", *row.values())
        return row["id"]

    async def patients(self, merged: Any, surviving: Any) -> Any:
        """Merge two patients, and their own payers with them."""
        identity = await self.add("patient", merged, surviving, reason="Registered twice")
        own = [await self.connection.fetch(_OWN_PAYERS, self.clinic, one) for one in (merged, surviving)]
        if own[0] and own[1]:
            await self.add("payer", own[0][0]["id"], own[1][0]["id"], part_of=identity)
        return identity

    async def undone(self, identity: Any) -> None:
        """Undo a merge."""
        undo = "update merges set undone_at = $3, undone_by = $4 where clinic_id = $1 and id = $2"
        await self.connection.execute(undo, self.clinic, identity, _MOMENT + timedelta(hours=1), self.user)


async def add_merges(connection: asyncpg.Connection) -> None:
    """Merge patients and payers of the demo clinic; `connection` is the owner's."""
    clinic = await connection.fetchval("select clinic_id from clinics where short_name = 'demo'")
    user = await connection.fetchval("select id from users where clinic_id = $1 and role = 'admin'", clinic)
    merges, rng = _Merges(connection, clinic, user), Random(3)  # noqa: S311 (the same merges each time)
    patients = [row["id"] for row in await connection.fetch(_PATIENTS, clinic)]
    rng.shuffle(patients)
    await merges.undone(await merges.add("patient", patients[0], patients[1]))
    for merged, surviving in zip(patients[:5], patients[5:10], strict=True):
        await merges.patients(merged, surviving)
    # Of a chain, both are the last one.
    await merges.patients(patients[5], patients[10])
    for kind in ("insurance", "attorney"):
        payers = [row["id"] for row in await connection.fetch(_PAYERS, clinic, kind)]
        first, second, third, *_ = rng.sample(payers, len(payers))
        await merges.add("payer", first, second, reason="Typed twice")
        await merges.add("payer", second, third)
