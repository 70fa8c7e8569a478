"""The oracle of amounts by kind of coverage: the parts of every invoice, added up in Python from raw tables."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from server.database_urls import DatabaseUrls
from tests.support.databases import rows

AMOUNTS = ("billed", "received", "reducedAmount", "contractual", "outstanding")
_INVOICES = """select i.id, i.case_id, i.payer_id, i.created_on, i.status, i.billed_amount, i.received_amount, i.contractual_amount,
    i.earlier_received_amount, i.agreed_amount, i.balance from invoices i join clinics c using (clinic_id)
    where c.short_name = 'demo' and i.status <> 'void'"""
_OPEN = ("pending_invoice", "pending_reduction", "pending_cheque")
Kind = str | None


@dataclass
class Part:
    """What of one invoice is under one kind of coverage."""

    invoice: UUID
    month: date
    kind: Kind
    amounts: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def parts_of(address: DatabaseUrls) -> list[Part]:
    """The parts of all invoices of the demo clinic that are not void, as of now."""
    kinds = {row["id"]: row["kind"] for row in rows(address, "select id, kind from coverages")}
    of_payer = defaultdict[tuple[UUID, UUID], set[str]](set)
    for row in rows(address, "select case_id, payer_id, kind from coverages"):
        of_payer[row["case_id"], row["payer_id"]].add(row["kind"])
    owed = _by_invoice(address, "select * from responsibilities order by number")
    paid = _by_invoice(address, "select * from cheque_allocations")
    adjusted = _by_invoice(address, "select * from invoice_adjustments where kind = 'contractual'")

    def kind_of(invoice: Any, responsibility: Any) -> Kind:
        if responsibility["coverage_id"]:
            return str(kinds[responsibility["coverage_id"]])
        found = of_payer[invoice["case_id"], responsibility["payer_id"]]
        return next(iter(found)) if len(found) == 1 else None

    found: dict[tuple[UUID, Kind], Part] = {}
    for i in rows(address, _INVOICES):

        def part(kind: Kind, i: Any = i) -> dict[str, Decimal]:
            made = Part(i["id"], i["created_on"].replace(day=1), kind)
            return found.setdefault((i["id"], kind), made).amounts

        for receipt in paid[i["id"]]:
            _add(part(kinds.get(receipt["coverage_id"])), billed=receipt["amount"], received=receipt["amount"])
        for one in adjusted[i["id"]]:
            then = [turn for turn in owed[i["id"]] if _began(turn) <= (one["effective_on"], one["recorded_at"])][-1]
            _add(part(kind_of(i, then)), billed=one["amount"], contractual=one["amount"])
        open_part = i["billed_amount"] - i["contractual_amount"] - i["earlier_received_amount"]
        _add(
            part(kind_of(i, owed[i["id"]][-1])),
            billed=i["billed_amount"] - i["received_amount"] - i["contractual_amount"],
            reducedAmount=Decimal(0) if i["agreed_amount"] is None else open_part - i["agreed_amount"],
            outstanding=i["balance"] if i["status"] in _OPEN else Decimal(0),
        )
    return [one for one in found.values() if any(one.amounts.values())]


def _began(turn: Any) -> tuple[Any, Any]:
    return turn["from_on"], turn["recorded_at"]


def _by_invoice(address: DatabaseUrls, query: str) -> dict[UUID, list[Any]]:
    found = defaultdict[UUID, list[Any]](list)
    for row in rows(address, query):
        found[row["invoice_id"]].append(row)
    return found


def _add(amounts: dict[str, Decimal], **more: Decimal) -> None:
    for name, amount in more.items():
        amounts[name] += amount


def summed(parts: Iterable[Part]) -> tuple[Any, ...]:
    """The number of invoices in some parts, and their amounts."""
    chosen = list(parts)
    return (
        len({one.invoice for one in chosen}),
        *(sum((one.amounts[name] for one in chosen), Decimal(0)) for name in AMOUNTS),
    )
