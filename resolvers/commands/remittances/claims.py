"""Posts claims of one payment of a remittance: each to its invoice, or back to the queue with the reason."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.merged_records import group
from db.write_batch import WriteBatch
from domain.billing.claims.adjustments import unlisted
from domain.billing.effects.remittances import TAKEN_BACK
from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.amounts import effective_day
from domain.billing.ledger.facts import Adjustment, AdjustmentKind, Receipt
from domain.billing.money import format_money
from domain.billing.next_steps import named
from domain.errors import DomainError, InvalidInput
from domain.ids import new_id
from domain.payments.cheques import ReversalKind
from domain.remittances.matching import REVERSAL
from domain.remittances.posting import PlannedDenial, PostingPlan, plan_of
from resolvers.commands.billing.cheques import (
    check_may_pay,
    insert_allocation,
    receipt_of,
    with_due_agreements,
)
from resolvers.commands.payments.covered_payments import PayerCoverages, find_coverages
from resolvers.commands.payments.taken_back import STANDS
from resolvers.commands.remittances.rows import claim_of, line_ids_of
from resolvers.commands.transitions import lock, moment_of, move
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
_ZERO = Decimal("0.00")
_REASON_CODES = "select code from reason_codes where clinic_id = $1 and active"
# What was paid for invoices by earlier payments of the payer and not reversed; first what came with the payer's number of the claim.
_STANDING = f"""select a.id, a.cheque_id, a.invoice_id, a.coverage_id, a.amount, a.effective_on, c.payer_id,
        (select array_agg(k.payer_number) from remittance_claims k join remittance_payments p
            on p.clinic_id = k.clinic_id and p.id = k.payment_id where k.clinic_id = a.clinic_id and k.invoice_id = a.invoice_id
            and p.cheque_id = a.cheque_id and k.posted_at is not null) as payer_numbers
    from cheque_allocations a join cheques c on c.clinic_id = a.clinic_id and c.id = a.cheque_id
    where a.clinic_id = $1 and c.payer_id = any({group("payer", "$2")}) and a.invoice_id = any($3) and a.cheque_id <> $4
        and {STANDS}
    order by a.id desc"""
_ALLOCATED = f"""select a.invoice_id, sum(a.amount) as amount from cheque_allocations a
    where a.clinic_id = $1 and a.cheque_id = $2 and {STANDS} group by a.invoice_id"""

_SETTLED = f"The case is settled, and the claim changes what was paid: first: {named('reopen_case')}"


@dataclass
class ClaimPosting:
    """The posting of claims to one payment; `available` is what of it is not used yet, in US dollars."""

    work: UnitOfWork
    cheque: Row
    available: Decimal
    # What was allocated by hand to each invoice and counts as the posting of its claim.
    allocated: dict[UUID, Decimal] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()
    posted: list[Row] = field(default_factory=list)
    waiting: list[tuple[Row, DomainError]] = field(default_factory=list)
    taken: set[UUID] = field(default_factory=set)
    # From when on what is taken back counts: of an invoice that is younger than the payment, later than its receipt.
    lowered_on: date = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is taken back yet."""
        self.lowered_on = self.cheque["received_on"]

    async def read(self, *, is_attached: bool) -> None:
        """Read what all claims need."""
        self.codes = frozenset(row["code"] for row in await self.work.all(_REASON_CODES))
        if is_attached:
            rows = await self.work.all(_ALLOCATED, self.cheque["id"])
            self.allocated = {row["invoice_id"]: row["amount"] for row in rows}

    async def post(self, claims: Iterable[Row]) -> None:
        """Post claims; those of one invoice one after the other, and what is taken back first."""
        pending = sorted(claims, key=_reversals_first)
        while pending:
            turn: dict[UUID, Row] = {}
            later = list[Row]()
            for claim in pending:
                if claim["invoice_id"] in turn:
                    later.append(claim)
                else:
                    turn[claim["invoice_id"]] = claim
            await self._post_turn(turn)
            pending = later

    async def _post_turn(self, turn: Mapping[UUID, Row]) -> None:
        """Post claims of different invoices."""
        work, payer = self.work, self.cheque["payer_id"]
        rows = await lock(work, turn, with_facts=True)
        paid = {one: rows[one] for one, claim in turn.items() if claim["paid_amount"] > 0}
        rows = {**rows, **await with_due_agreements(work, paid, self.cheque)}
        coverages = await find_coverages(work, payer, (row["case_id"] for row in rows.values()))
        reversed_ = [one for one, claim in turn.items() if claim["status_code"] == REVERSAL]
        standing: dict[UUID, list[Row]] = defaultdict(list)
        for part in await work.all(_STANDING, payer, reversed_, self.cheque["id"]) if reversed_ else ():
            standing[part["invoice_id"]].append(part)
        writes = work.bulk_writes()
        for one, claim in turn.items():
            try:
                self._post_claim(writes, claim, rows[one], coverages, standing[one])
            except DomainError as refusal:
                self.waiting.append((claim, refusal))
        await writes.run(work.connection)

    def _post_claim(
        self, writes: WriteBatch, claim: Row, row: Row, coverages: PayerCoverages, standing: Sequence[Row]
    ) -> None:
        plan = plan_of(claim_of(claim), line_ids_of(claim))
        self._check(plan, row)
        coverage = coverages.coverage_of(row["case_id"], _coverage_named(claim, row, self.cheque["payer_id"]))
        reversals = self._reversals(claim, row, standing)
        if row["status"] == InvoiceStatus.PAID and (reversals or plan.contractual != 0):
            raise InvalidInput(_SETTLED)
        receipt = self._receipt(plan, row, coverage)
        if receipt is not None:
            check_may_pay(row, receipt)
        posting: dict[str, Any] = {"receipt": receipt, "reversals": reversals}
        posting |= {"adjustments": self._adjustments(plan, row), "denials": list(map(self._denial, plan.denials))}
        if reversals:
            posting["reason"] = TAKEN_BACK
        move(self.work, writes, "post_remittance", row, posting)
        for one in reversals:
            insert_allocation(self.work, writes, self.cheque["id"], row["id"], one, ReversalKind.TAKEN_BACK)
        if receipt is not None:
            insert_allocation(self.work, writes, self.cheque["id"], row["id"], receipt)
            coverages.pay(self.work, coverage, receipt.amount, ("claims", str(claim["place"])))
        used = sum((one.amount for one in (*reversals, *([receipt] if receipt else ()))), _ZERO)
        self.available -= used
        self.allocated.pop(row["id"], None)
        self.taken |= {one.reverses_id for one in reversals if one.reverses_id}
        self.lowered_on = max([self.lowered_on, *(one.effective_on for one in reversals)])
        known = {"posted_at": self.work.moment, "posted_by": self.work.user_id, "coverage_id": coverage, "reason": None}
        writes.update("remittance_claims", {"id": claim["id"]}, **known)
        self.posted.append(claim)

    def _check(self, plan: PostingPlan, row: Row) -> None:
        for code in sorted(plan.reason_codes - self.codes) if self.codes else ():
            raise unlisted(code, ())
        sent_on = row["first_submitted_on"] or row["created_on"]
        if plan.denials and self.cheque["received_on"] < sent_on:
            words = f"The denial is of {self.cheque['received_on']}, before the invoice was submitted on {sent_on}: check its number"
            raise InvalidInput(words)

    def _receipt(self, plan: PostingPlan, row: Row, coverage: UUID | None) -> Receipt | None:
        """What is still to be allocated of a claim."""
        if plan.paid <= 0:
            return None
        before = self.allocated.get(row["id"], _ZERO)
        if before > plan.paid:
            words = (
                f"${format_money(before)} of the payment are allocated to the invoice already, and the claim pays "
                f"${format_money(plan.paid)}: move the rest first (moveAllocation)"
            )
            raise InvalidInput(words)
        amount = plan.paid - before
        if amount > self.available:
            words = (
                f"Only ${format_money(max(self.available, _ZERO))} of the payment are left: post what the payer takes back first, or "
                "move what is allocated to other invoices (moveAllocation)"
            )
            raise InvalidInput(words)
        if not amount:
            return None
        receipt = receipt_of(self.work, row, self.cheque, amount, coverage)
        # What is taken back pays for it.
        return replace(receipt, effective_on=max(receipt.effective_on, self.lowered_on))

    def _reversals(self, claim: Row, row: Row, standing: Sequence[Row]) -> list[Receipt]:
        """The receipts that a claim takes back: all that an earlier payment has paid for the invoice."""
        wanted = -claim["paid_amount"]
        if wanted < 0 and claim["status_code"] == REVERSAL:
            raise InvalidInput("A reversal takes money back, and this one pays: ask the payer")
        if wanted > 0 and claim["status_code"] != REVERSAL:
            raise InvalidInput("Only a reversal takes money back: ask the payer")
        if claim["status_code"] != REVERSAL or wanted == 0:
            return []
        by_cheque: dict[UUID, list[Row]] = defaultdict(list)
        for part in standing:
            if part["id"] not in self.taken:
                by_cheque[part["cheque_id"]].append(part)
        fitting = [parts for parts in by_cheque.values() if sum(part["amount"] for part in parts) == wanted]
        named = [parts for parts in fitting if claim["payer_number"] in (parts[0]["payer_numbers"] or ())]
        if not fitting:
            words = (
                f"No earlier payment of this payer has paid ${format_money(wanted)} for the invoice: record or correct that payment first "
                "(recordCheque, correctCheque)"
            )
            raise InvalidInput(words)
        return [self._reversal(row, part) for part in (named or fitting)[0]]

    def _reversal(self, row: Row, part: Row) -> Receipt:
        on = max(self._day(row), part["effective_on"])
        known = (new_id(self.work.moment), part["payer_id"], -part["amount"], on, moment_of(self.work, row), part["id"])
        return Receipt(*known, part["coverage_id"])

    def _day(self, row: Row) -> date:
        return effective_day(self.cheque["received_on"], row["created_on"])

    def _adjustments(self, plan: PostingPlan, row: Row) -> list[Adjustment]:
        """The adjustments of a claim as facts; their numbers follow from those that the invoice has."""
        on, at = self._day(row), moment_of(self.work, row)
        kind, cheque = AdjustmentKind.CONTRACTUAL, self.cheque["id"]
        return [
            Adjustment(0, kind, one.amount, on, at, one.group, one.reason_code, one.remark_codes, one.line_id, cheque)
            for one in plan.adjustments
        ]

    def _denial(self, denial: PlannedDenial) -> dict[str, Any]:
        return {
            "line_id": denial.line_id,
            "denied_on": self.cheque["received_on"],
            "reason_code": denial.reason_code,
            "amount": denial.amount,
            "adjustment_group": denial.group.value if denial.group else None,
            "remark_codes": list(denial.remark_codes),
            "cheque_id": self.cheque["id"],
        }


def _reversals_first(claim: Row) -> tuple[bool, int]:
    return claim["status_code"] != REVERSAL, claim["place"]


def _coverage_named(claim: Row, row: Row, payer: UUID) -> UUID | None:
    """The coverage that a user chose for a claim, else that under which the payer owes or owed the invoice."""
    if claim["coverage_id"] is not None:
        chosen: UUID = claim["coverage_id"]
        return chosen
    owed = [
        one.coverage_id
        for one in row["facts"].responsibilities
        if row["facts"].are_one(one.payer_id, payer) and one.coverage_id
    ]
    return owed[-1] if owed else None
