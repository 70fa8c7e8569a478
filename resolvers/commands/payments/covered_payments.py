"""Which coverage a payment of an invoice counts under, and the warning where a payment is above what remained of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from db.merged_records import group
from domain.billing.coverages import CoverageStatus, choose_coverage, remaining
from domain.warnings import coverage_exceeded
from resolvers.commands.transitions import Row
from resolvers.commands.unit_of_work import UnitOfWork

# Locked in one order and until the transaction ends, so that two payments at a time do not both see the same rest.
_OF_PAYER = f"""select id, case_id, status, limit_amount, other_payments_amount from coverages
    where clinic_id = $1 and payer_id = any({group("payer", "$2")}) and case_id = any($3) order by priority, id for no key update"""
_RECEIVED = """select coverage_id, sum(amount) as amount from cheque_allocations
    where clinic_id = $1 and coverage_id = any($2) group by coverage_id"""


@dataclass
class PayerCoverages:
    """The coverages of one payer in some cases, locked, with what remained of each before the payments of this transaction."""

    rows: dict[UUID, Row]
    rests: dict[UUID, Decimal | None]
    paid: dict[UUID, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def coverage_of(self, case_id: UUID, wanted: UUID | None) -> UUID | None:
        """The coverage under which a payment in a case counts; `wanted` is the one that the input names, if any."""
        own = [identity for identity, row in self.rows.items() if row["case_id"] == case_id]
        not_closed = [identity for identity in own if self.rows[identity]["status"] != CoverageStatus.CLOSED]
        return choose_coverage(not_closed, own, wanted)

    def pay(self, work: UnitOfWork, coverage: UUID | None, amount: Decimal, path: tuple[str, ...]) -> None:
        """Count a payment under its coverage; a warning says by how much it is above what remained."""
        if coverage is None:
            return
        rest, before = self.rests[coverage], self.paid[coverage]
        self.paid[coverage] += amount
        if rest is not None and before + amount > rest:
            work.warnings.append(coverage_exceeded(min(amount, before + amount - rest), path))


async def find_coverages(work: UnitOfWork, payer_id: UUID, cases: Iterable[UUID]) -> PayerCoverages:
    """The coverages of a payer in some cases, closed ones included."""
    rows = {row["id"]: row for row in await work.all(_OF_PAYER, payer_id, sorted(set(cases)))}
    if not rows:
        return PayerCoverages({}, {})
    sums = {row["coverage_id"]: row["amount"] for row in await work.all(_RECEIVED, list(rows))}
    rests = {
        identity: remaining(row["limit_amount"], sums.get(identity, Decimal(0)), row["other_payments_amount"])
        for identity, row in rows.items()
    }
    return PayerCoverages(rows, rests)
