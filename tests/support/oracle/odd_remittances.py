"""Remittances in a database for comparisons: payments and claims in any state, with everything that they keep as JSON."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import asyncpg

from domain.ids import new_id
from domain.normal_forms import code_form, normal_key
from domain.remittances.statuses import NEVER_POSTED, OF_PAYMENTS, RemittanceOrigin, RemittanceStatus

_MOMENT = datetime(2026, 6, 30, 3, 59, 59, 120300, tzinfo=UTC)
_REMITTANCES, _MOST_PAYMENTS, _MOST_CLAIMS = 12, 3, 4
_GROUPS, _REASONS = ("CO", "PR", "OA", "PI"), ("45", "1", "2", "119", "odd")
_AMOUNTS = ("0.00", "0.01", "-12.50", "180.00", "9999999999.99")
_TEXTS = ("", '{"a": null}', "Straße \u2028 李", "ICN-1")
_NAMES = ("Odd Mutual", "Zoë's Insurance", "_ %", None)
_SAID = ("other", "deductible", "coinsurance", "exhausted")
# Of each invoice what a claim may be about, with a coverage of its case if there is one.
_INVOICES = """select i.id, i.number, i.payer_id, i.billed_amount, array(select l.id from invoice_lines l
        where l.clinic_id = i.clinic_id and l.invoice_id = i.id order by l.id) as lines,
    array(select c.id from coverages c where c.clinic_id = i.clinic_id and c.case_id = i.case_id order by c.id) as coverages
    from invoices i where i.clinic_id = $1 order by (select count(*) from coverages c where c.clinic_id = i.clinic_id
        and c.case_id = i.case_id) > 0 and i.balance > 0 desc, i.id limit 40"""
_CHEQUES = "select id from cheques where clinic_id = $1 order by corrected_at is null, id limit 30"


async def add_remittances(connection: asyncpg.Connection) -> None:
    """Add remittances to the demo clinic; `connection` is the owner's."""
    clinic = await connection.fetchval("select clinic_id from clinics where short_name = 'demo'")
    users = await connection.fetch("select id from users where clinic_id = $1 and role = 'billing' order by id", clinic)
    invoices = await connection.fetch(_INVOICES, clinic)
    cheques = await connection.fetch(_CHEQUES, clinic)
    odd = _Odd(connection, Random(5), clinic, [row["id"] for row in users], invoices, [row["id"] for row in cheques])  # noqa: S311
    for number in range(_REMITTANCES):
        await odd.remittance(number)


class _Odd:
    """Adds remittances; the same ones each time."""

    def __init__(self, connection: asyncpg.Connection, rng: Random, clinic: Any, *known: list[Any]) -> None:
        self.connection, self.rng, self.clinic = connection, rng, clinic
        self.users, self.invoices, self.cheques = known

    async def add(self, table: str, at: datetime, **columns: Any) -> Any:
        """Add one row; returns its id."""
        row = {"clinic_id": self.clinic, "id": new_id(at), "recorded_at": at, **columns}
        places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
        await self.connection.execute(f"insert into {table} ({', '.join(row)}) values ({places})", *row.values())
        return row["id"]

    async def remittance(self, number: int) -> None:
        """A remittance with up to three payments."""
        at = _MOMENT + timedelta(minutes=number - _REMITTANCES)
        problems = json.dumps(self.rng.choice([[], ["Odd", '"é"\n']]))
        said = {"origin": self.rng.choice([*RemittanceOrigin]).value, "problems": problems}
        identity = await self.add("remittances", at, imported_by=self.rng.choice(self.users), **said)
        places = iter(range(1, 100))
        for place in range(1, self.rng.randint(1, _MOST_PAYMENTS) + 1):
            await self.payment(identity, at, place, f"odd-{number}-{place}", places)

    async def payment(self, remittance: Any, at: datetime, place: int, trace: str, places: Any) -> None:
        """A payment with up to four claims."""
        name, status = self.rng.choice(_NAMES), self.rng.choice([*OF_PAYMENTS, RemittanceStatus.MATCHED])
        about = self.rng.choice(self.invoices)
        payer = about["payer_id"] if self.rng.random() < 0.8 else None
        is_posted = status not in NEVER_POSTED and payer is not None and self.rng.random() < 0.7
        said: dict[str, Any] = {
            "trace": trace,
            "trace_key": code_form(trace),
            "method": self.rng.choice(["ach", "paper", "card"]),
        }
        said |= {"payer_name": name, "payer_name_key": name and normal_key(name), "amount": self.amount()}
        said |= {"payer_identifier": self.rng.choice([None, "odd/1"]), "paid_on": date(2026, 6, 29)}
        said |= {"broken_laws": self.laws(status), "provider_adjustments": self.provider_adjustments()}
        found: dict[str, Any] = {"status": status.value, "payer_id": payer, "reason": self.text()}
        if is_posted:
            found |= {"cheque_id": self.rng.choice(self.cheques), "posted_at": at, "posted_by": self.users[0]}
            found |= {"is_attached": self.rng.random() < 0.5}
        identity = await self.add("remittance_payments", at, remittance_id=remittance, place=place, **said, **found)
        of = {"remittance_id": remittance, "payment_id": identity}
        of_payer = [one for one in self.invoices if one["payer_id"] == payer] or self.invoices
        for _ in range(self.rng.randint(0, _MOST_CLAIMS)):
            about = self.rng.choice(of_payer)
            of |= {"place": next(places), **self.claim(about), **self.found(about, at, is_posted=is_posted)}
            await self.add("remittance_claims", at, **of)

    def claim(self, about: Any) -> dict[str, Any]:
        """What the payer says of an invoice."""
        lines = [self.line(place, about["lines"]) for place in range(1, self.rng.randint(0, 3) + 1)]
        proposed = {"is_exhausted": self.rng.random() < 0.5, "transfer_reason": self.rng.choice(_SAID)}
        share = Decimal(self.rng.choice(["0.00", "0.01", "35.00", "9999999.99"]))
        return {
            "number": self.rng.choice([about["number"], "ODD-1", ""]),
            "status_code": self.rng.choice(["1", "2", "22"]),
            "charge_amount": about["billed_amount"],
            "paid_amount": self.amount(),
            "patient_amount": self.amount(),
            "payer_number": self.text(),
            "adjustments": self.adjustments(),
            "remark_codes": json.dumps(self.rng.choice([[], ["N1", "odd"]])),
            "lines": json.dumps(lines),
            "transfer_amount": share,
            "responsible_amount": share,
            **proposed,
        }

    def found(self, about: Any, at: datetime, *, is_posted: bool) -> dict[str, Any]:
        """What became of a claim: posted, closed or waiting."""
        status = self.rng.choice([*RemittanceStatus, RemittanceStatus.MATCHED, RemittanceStatus.MATCHED])
        coverage = self.rng.choice([None, *about["coverages"]])
        found = {
            "status": status.value,
            "reason": self.text(),
            "invoice_id": self.rng.choice([about["id"]] * 3 + [None]),
        }
        found |= {"coverage_id": coverage, "posted_at": None, "posted_by": None, "closed_at": None, "closed_by": None}
        chance = self.rng.random()
        if is_posted and status not in NEVER_POSTED and chance < 0.8:
            # Before or after the last payer of the invoice was recorded.
            posted_at = self.rng.choice([at, at, at - timedelta(days=600)])
            found |= {"invoice_id": about["id"], "posted_at": posted_at, "posted_by": self.users[0]}
        elif chance < 0.3:
            found |= {"closed_at": at, "closed_by": self.users[0]}
        return found | {"closing_reason": None if found["closed_at"] is None else "Odd"}

    def line(self, place: int, lines: list[Any]) -> dict[str, Any]:
        """A line as it is kept."""
        line = self.rng.choice([None, *lines])
        return {
            "place": place,
            "code": self.rng.choice(["ODD1", "%"]),
            "modifiers": self.rng.choice([[], ["59"], ["RT", "X1"]]),
            "charge": str(self.amount()),
            "paid": str(self.amount()),
            "units": self.rng.choice([None, "1", "0.5"]),
            "service_on": self.rng.choice([None, "2026-06-01"]),
            "reference": self.text(),
            "line_id": line and str(line),
            "adjustments": json.loads(self.adjustments()),
            "remark_codes": self.rng.choice([[], ["N2"]]),
        }

    def adjustments(self) -> str:
        """Some adjustments as JSON."""
        return json.dumps(
            [
                {
                    "group": self.rng.choice(_GROUPS),
                    "reason_code": self.rng.choice(_REASONS),
                    "amount": str(self.amount()),
                    "quantity": self.rng.choice([None, "1", "2.5"]),
                }
                for _ in range(self.rng.choice([0, 1, 2, 3]))
            ]
        )

    def laws(self, status: RemittanceStatus) -> str:
        """The broken laws of a payment as JSON."""
        kinds = ("LINE", "CLAIM", "PAYMENT") if status is RemittanceStatus.OUT_OF_BALANCE else ()
        return json.dumps(
            [
                {
                    "law": kind,
                    "stated": str(self.amount()),
                    "computed": str(self.amount()),
                    "claim": self.rng.choice([None, 1]),
                    "line": self.rng.choice([None, 2]),
                }
                for kind in kinds
            ]
        )

    def provider_adjustments(self) -> str:
        """The adjustments that concern no claim as JSON."""
        return json.dumps(
            [
                {"code": self.rng.choice(["WO", "L6"]), "amount": str(self.amount()), "reference": self.text()}
                for _ in range(self.rng.choice([0, 0, 1, 2]))
            ]
        )

    def amount(self) -> Decimal:
        """Any amount."""
        return Decimal(self.rng.choice(_AMOUNTS))

    def text(self) -> str | None:
        """Any text, or none."""
        return self.rng.choice([None, *_TEXTS])
