"""The rules of coverages: their kinds and states, what remains of one, what one is expected to pay, and balance billing."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from domain.access.people import PayerKind, Role
from domain.api_names import enum_name
from domain.billing.money import LARGEST, round_money
from domain.errors import Conflict, InputReason, InvalidInput
from domain.texts import CODE, EMAIL, NAME, PHONE, REASON, Text, checked, optional_text

Id = TypeVar("Id", bound=Hashable)
Row = Mapping[str, Any]
ZERO, _WHOLE = Decimal("0.00"), Decimal(100)


class CoverageKind(StrEnum):
    """What obliges a payer to pay for the treatment of a case.

    PIP is personal injury protection, MedPay medical payments coverage, UM/UIM insurance against uninsured and underinsured
    motorists; a letter of protection is an attorney's promise, a lien on the settlement.
    """

    PIP = "pip"
    MEDPAY = "medpay"
    HEALTH = "health"
    LIABILITY = "liability"
    UM_UIM = "um_uim"
    WORKERS_COMP = "workers_comp"
    LETTER_OF_PROTECTION = "letter_of_protection"
    PATIENT = "patient"


class CoverageStatus(StrEnum):
    """Whether a coverage pays."""

    UNVERIFIED = "unverified"
    ACTIVE = "active"
    EXHAUSTED = "exhausted"
    REFUSED = "refused"
    CLOSED = "closed"


class CoverageClosing(StrEnum):
    """How a coverage ends: the limit is used up, the payer refuses to pay, or it is closed for another reason."""

    EXHAUSTED = "exhausted"
    REFUSED = "refused"
    CLOSED = "closed"


class CoverageAction(StrEnum):
    """What was done to a coverage, in its history."""

    ADDED = "added"
    UPDATED = "updated"
    VERIFIED = "verified"
    CLOSED = "closed"


class BalanceBilling(StrEnum):
    """Whether somebody else may be billed what a coverage does not pay."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"


class InsuredRelationship(StrEnum):
    """What the patient is to the insured person, as on the CMS-1500 form."""

    SELF = "self"
    SPOUSE = "spouse"
    CHILD = "child"
    OTHER = "other"


class AdjustmentGroup(StrEnum):
    """The group of a claim adjustment: who bears an amount that a payer did not pay (X12 CAS01)."""

    CO = "co"
    PR = "pr"
    OA = "oa"
    PI = "pi"


# Contracts of these insurers, or the law behind them, usually forbid to bill the patient what they do not pay.
_FORBIDDEN = frozenset({CoverageKind.HEALTH, CoverageKind.WORKERS_COMP})
# A letter of protection is an attorney's promise; these kinds have payers of one kind.
_PAYER_KINDS = {
    CoverageKind.LETTER_OF_PROTECTION: PayerKind.ATTORNEY,
    CoverageKind.PATIENT: PayerKind.PATIENT,
    **dict.fromkeys((CoverageKind.PIP, CoverageKind.MEDPAY, CoverageKind.HEALTH), PayerKind.INSURANCE),
    **dict.fromkeys((CoverageKind.UM_UIM, CoverageKind.WORKERS_COMP), PayerKind.INSURANCE),
}
# Health insurance covers by the day of service, all others by the day of the injury.
BY_SERVICE_DAY = CoverageKind.HEALTH
# A coverage is expected to pay in these states, and only in these can it come to owe an invoice.
PAYING = (CoverageStatus.UNVERIFIED, CoverageStatus.ACTIVE)

TEXTS: Mapping[str, Text] = {
    "policy_number": Text(CODE.longest, capitals=True),
    "claim_number": Text(CODE.longest, capitals=True),
    "insured_name": Text(NAME.longest),
    "adjuster_name": Text(NAME.longest),
    "adjuster_phone": PHONE,
    "adjuster_email": EMAIL,
    "pays_percent": Text(6, form=r"[0-9]{1,3}(\.[0-9]{1,2})?", words='A percentage must look like "80" or "82.50"'),
}
# Amount → whether it must be above 0.
AMOUNTS: Mapping[str, bool] = {"limit_amount": True, "deductible_amount": False, "other_payments_amount": False}
# The column of each input whose name in the API is not the column's.
COLUMNS = {
    "limit": "limit_amount",
    "deductible": "deductible_amount",
    "other_payments": "other_payments_amount",
}
NAMES = {column: name for name, column in COLUMNS.items()}
_PLAIN = ("payer_id", "priority", "effective_from", "effective_to", "other_payments_on")
_CHOICES = ("kind", "insured_relationship", "balance_billing")
# The columns whose values are names of enum values in the API.
ENUMS = frozenset({*_CHOICES, "status"})
_REQUIRED = ("kind", "payer_id", "priority", "balance_billing")
LAST_PRIORITY, _LONGEST_FILING_DAYS = 99, 3_650


def default_balance_billing(kind: CoverageKind) -> BalanceBilling:
    """Whether what a coverage of a kind does not pay may be billed to somebody else, where nobody has said so."""
    return BalanceBilling.FORBIDDEN if kind in _FORBIDDEN else BalanceBilling.ALLOWED


def columns_of(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that an input sets, each checked alone; InvalidInput names the one that is not valid."""
    known = {COLUMNS.get(name, name): value for name, value in inputs.items()}
    columns = {name: known[name] for name in (*_PLAIN, *AMOUNTS, "file_within_days") if name in known}
    columns |= {name: _value_of(known[name]) for name in _CHOICES if name in known}
    for name in _REQUIRED:
        if name in columns and columns[name] is None:
            raise InvalidInput("This cannot be left blank", (name,), InputReason.BLANK)
    for name, is_positive in AMOUNTS.items():
        _check_amount(columns.get(name), name, is_positive=is_positive)
    columns |= checked(known, TEXTS)
    if columns.get("pays_percent") is not None:
        columns["pays_percent"] = Decimal(columns["pays_percent"])
    _check_between(columns, "pays_percent", Decimal("0.01"), _WHOLE)
    _check_between(columns, "priority", 1, LAST_PRIORITY)
    _check_between(columns, "file_within_days", 1, _LONGEST_FILING_DAYS)
    return columns


def _value_of(member: StrEnum | None) -> str | None:
    return None if member is None else member.value


def _check_amount(amount: Decimal | None, column: str, *, is_positive: bool) -> None:
    if amount is not None and (amount < 0 or (is_positive and amount == 0) or amount > LARGEST):
        bound = "be greater than 0" if is_positive else "not be below 0"
        raise InvalidInput(f"The amount must {bound}", (NAMES[column],))


def _check_between(columns: Mapping[str, Any], name: str, least: Any, most: Any) -> None:
    value = columns.get(name)
    if value is not None and not least <= value <= most:
        raise InvalidInput(f"This must be at least {least} and at most {most}", (name,))


def completed(row: Row, changed: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The changed columns of a coverage with those that follow from them; `row` is empty for a new coverage.

    A kind brings its default of balance billing, where the input does not say it; a figure of other payments counts from today,
    where the input does not say the day.
    """
    found = dict(changed)
    if "kind" in found and found["kind"] != row.get("kind") and "balance_billing" not in found:
        found["balance_billing"] = default_balance_billing(CoverageKind(found["kind"])).value
    others = found.get("other_payments_amount", row.get("other_payments_amount"))
    if others is None:
        if found.get("other_payments_on") is not None:
            raise InvalidInput("Give the amount that was paid to others by this day", ("other_payments",))
        found["other_payments_on"] = None
    elif found.get("other_payments_on") is None and {"other_payments_amount", "other_payments_on"} & set(found):
        found["other_payments_on"] = today
    _check_days({**row, **found}, today)
    return found


def _check_days(row: Row, today: date) -> None:
    begins, ends = row.get("effective_from"), row.get("effective_to")
    if begins is not None and ends is not None and ends <= begins:
        raise InvalidInput("The day on which the coverage ends must be after its first day", ("effective_to",))
    if row.get("other_payments_on") is not None and row["other_payments_on"] > today:
        raise InvalidInput("The date is in the future", ("other_payments_on",), InputReason.IN_THE_FUTURE)


def check_payer_kind(kind: CoverageKind, payer: PayerKind) -> None:
    """InvalidInput where payers of a kind do not pay under coverages of a kind."""
    needed = _PAYER_KINDS.get(kind)
    if needed is not None and payer != needed:
        words = f"A coverage of the kind {kind.name} needs a payer of the kind {needed.name}; this one is {payer.name}"
        raise InvalidInput(words, ("payer_id",))


def closing_of(row: Row, inputs: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The columns of a coverage that ends; an exhausted one has its own day, the others a reason."""
    closing: CoverageClosing = inputs["status"]
    if row["status"] == closing:
        raise Conflict(f"This coverage is {closing.name} already", ("status",))
    on = inputs.get("closed_on") or today
    if on > today:
        raise InvalidInput("The date is in the future", ("closed_on",), InputReason.IN_THE_FUTURE)
    reason = optional_text(inputs, "reason", Text(REASON.longest, lines=True))
    is_exhausted = closing is CoverageClosing.EXHAUSTED
    if reason is None and not is_exhausted:
        raise InvalidInput("Say why: this coverage is not exhausted", ("reason",))
    days = {"exhausted_on": on if is_exhausted else None, "closed_on": None if is_exhausted else on}
    return {"status": closing.value, **days, "closing_reason": reason}


def verification_of(row: Row, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a coverage that the payer has confirmed; one that had ended pays again, for which there must be a reason."""
    if row["status"] not in (CoverageStatus.UNVERIFIED, CoverageStatus.ACTIVE) and not inputs.get("reason"):
        words = f"This coverage is {enum_name(row['status'])}: say why it pays again"
        raise InvalidInput(words, ("reason",))
    ended = {"exhausted_on": None, "closed_on": None, "closing_reason": None, "closing_letter_id": None}
    return {"status": CoverageStatus.ACTIVE.value, **ended}


def remaining(limit: Decimal | None, received: Decimal, other_payments: Decimal | None) -> Decimal | None:
    """What remains of a coverage: its limit less its own receipts (net of reversals) and other payments; None without a limit."""
    return None if limit is None else max(ZERO, limit - received - (other_payments or ZERO))


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected payment: what the percentage of the lines comes to, and what of it is still to come; None if not known."""

    calculated: Decimal | None
    amount: Decimal | None


def expected_payment(
    lines: Iterable[Decimal],
    pays_percent: Decimal | None,
    deductible: Decimal,
    received: Decimal,
    bounds: Iterable[Decimal | None],
) -> Expected:
    """What a coverage pays of an invoice: its percentage of each line, rounded half up to the cent, summed.

    `deductible` is what is left of it for this invoice; the first lines bear it. Of the sum, what the coverage paid for this invoice
    (`received`) is no longer expected, nor what exceeds a bound: what remains of the coverage, and the invoice's balance.
    """
    if pays_percent is None:
        return Expected(None, None)
    calculated, left = ZERO, deductible
    for line in lines:
        borne = min(left, line)
        left -= borne
        calculated += round_money((line - borne) * pays_percent / _WHOLE)
    known = [bound for bound in bounds if bound is not None]
    return Expected(calculated, max(ZERO, min([calculated - received, *known])))


def deductible_left(deductible: Decimal | None, received_elsewhere: Decimal, other_payments: Decimal | None) -> Decimal:
    """What of a deductible one more invoice bears: all of it until the payer has paid for something else, and then nothing."""
    is_used = received_elsewhere > 0 or (other_payments or ZERO) > 0
    return ZERO if deductible is None or is_used else deductible


def choose_coverage(open_ones: Sequence[Id], all_of_payer: Collection[Id], wanted: Id | None) -> Id | None:
    """The coverage under which a payment of an invoice counts: the one that the input names, or the payer's only one.

    `open_ones` are the coverages of the payer in the invoice's case that are not closed, `all_of_payer` includes the closed ones,
    under which late money may be recorded, too. None where the payer has none.
    """
    if wanted is not None:
        if wanted not in all_of_payer:
            raise InvalidInput("This payer has no such coverage in the case of the invoice", ("coverage_id",))
        return wanted
    if len(open_ones) > 1:
        raise InvalidInput("This payer has several coverages in the case: say which one pays", ("coverage_id",))
    return open_ones[0] if open_ones else None


def forbids_no_longer(before: Row, changed: Mapping[str, Any]) -> bool:
    """Whether a change lets a coverage that forbade balance billing allow it, or be that of another payer."""
    if before["balance_billing"] != BalanceBilling.FORBIDDEN:
        return False
    after = {**before, **changed}
    return bool(after["balance_billing"] != BalanceBilling.FORBIDDEN or after["payer_id"] != before["payer_id"])


def check_release(role: Role | None, reason: str | None) -> None:
    """InvalidInput unless an administrator, with a reason, lets a coverage under which invoices are billed allow balance billing."""
    if role is not Role.ADMIN:
        words = "Invoices are billed under this coverage, which forbids balance billing: only an administrator can change that"
        raise InvalidInput(words, ("balance_billing",))
    if reason is None:
        words = "Invoices are billed under this coverage, which forbids balance billing: say why that changes"
        raise InvalidInput(words, ("reason",))


def check_balance_billing(
    balance_billing: BalanceBilling, group: AdjustmentGroup | None, role: Role | None, reason: str | None
) -> bool:
    """Whether moving an unpaid amount of a coverage to somebody else is an administrator's override; InvalidInput where it is refused.

    `group` is that of the amounts, None where it is not known; `reason` is that of the override, and becomes part of the record.
    Contractual obligations (CO) never move. Where balance billing is forbidden, only what the patient is responsible for (PR) moves.
    """
    if group is AdjustmentGroup.CO:
        raise InvalidInput("Amounts of the group CO are a contractual obligation: nobody else can be billed for them")
    if balance_billing is BalanceBilling.ALLOWED or group is AdjustmentGroup.PR:
        return False
    if role is not Role.ADMIN:
        raise InvalidInput(
            "Under this coverage only what the patient is responsible for (group PR) may be billed to somebody else; "
            "an administrator can override this with a reason"
        )
    if not (reason or "").strip():
        raise InvalidInput("Balance billing is forbidden under this coverage: say why you override this", ("reason",))
    return True
