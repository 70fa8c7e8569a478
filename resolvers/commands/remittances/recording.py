"""Records a remittance from paper: typed as a file would say it, under the same laws, and posted at once."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.billing.claims.adjustments import remark_codes_of
from domain.billing.money import format_money
from domain.errors import Conflict, DomainError, InputReason, InvalidInput, NotFound
from domain.ids import new_id
from domain.payments.cheques import PaymentMethod, is_post_dated
from domain.remittances.matching import OurLine, status_of, unknown_status
from domain.remittances.remittance import (
    BrokenLaw,
    ProviderAdjustment,
    RemittanceLaw,
    RemittedAdjustment,
    RemittedClaim,
    RemittedLine,
    RemittedPayment,
    broken_laws,
)
from domain.remittances.statuses import RemittanceOrigin, RemittanceStatus
from domain.texts import CODE, optional_text, required_text
from resolvers.commands.documents import consume
from resolvers.commands.remittances.finding import find_lines, find_traces
from resolvers.commands.remittances.posting import post_claims
from resolvers.commands.remittances.rows import claim_columns, payment_columns
from resolvers.commands.remittances.storing import check_new_payer, claim_id
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
_INVOICES = "select id, number, billed_amount from invoices where clinic_id = $1 and id = any($2)"
_LAWS = {
    RemittanceLaw.LINE: "What is paid of the line and its adjustments are {computed}, and it charges {stated}",
    RemittanceLaw.CLAIM: "What is paid of the invoice and its adjustments are {computed}, and it charges {stated}",
    RemittanceLaw.PAYMENT: "What is paid of the invoices, less the provider adjustments, is {computed}, and the payment is {stated}",
}
# The part of a claim's input that a rule of the invoice is about.
_OF_CLAIM: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("invoice_id",): ("invoice_id",),
    ("amount",): ("paid",),
    ("adjustments",): ("adjustments",),
}
_Lines = Mapping[UUID, Sequence[OurLine]]


async def record(work: UnitOfWork) -> UUID:
    """Record a remittance from paper, with its payment, and post all of its claims; nothing is recorded if one cannot be posted."""
    await _check(work)
    ids = [one["invoice_id"] for one in work.inputs["claims"]]
    invoices = {row["id"]: row for row in await work.all(_INVOICES, ids)}
    lines = await find_lines(work, ids)
    payment = _payment(work, invoices, lines)
    _check_laws(payment)
    await check_new_payer(work, work.inputs["payer_id"])
    if await find_traces(work, [work.inputs["payer_id"]], [payment.trace]):
        raise Conflict("This payment of the payer has come in a remittance before", ("number",))
    identity = new_id(work.moment)
    remittance = {"id": identity, "document_id": work.inputs.get("document_id")}
    await _store(work, remittance, payment, ids)
    waiting = await post_claims(work, remittance, None, work.inputs.get("cheque_date"))
    for claim, refusal in waiting:
        within = _OF_CLAIM.get(refusal.path[:1], ())
        refusal.path = ("number",) if isinstance(refusal, Conflict) else ("claims", str(claim["place"] - 1), *within)
        raise refusal
    return identity


async def _check(work: UnitOfWork) -> None:
    inputs = work.inputs
    method = inputs.get("method") or PaymentMethod.PAPER
    if inputs["amount"] < 0:
        raise InvalidInput("The amount must not be below 0", ("amount",))
    if inputs["received_on"] > work.today:
        raise InvalidInput("The date is in the future", ("received_on",), InputReason.IN_THE_FUTURE)
    if is_post_dated(method, inputs.get("cheque_date") or inputs["received_on"], inputs["received_on"]):
        words = "A post-dated cheque is held until its deposit: record it first (recordCheque), then this remittance"
        raise InvalidInput(words, ("cheque_date",))
    if not inputs["claims"] and not inputs.get("provider_adjustments"):
        raise InvalidInput("At least one claim is required", ("claims",))
    if inputs.get("document_id") is not None:
        await consume(work)
    elif method is PaymentMethod.PAPER:
        raise InvalidInput("The scan of a paper remittance is required", ("document_id",))


def _payment(work: UnitOfWork, invoices: Mapping[UUID, Row], lines: _Lines) -> RemittedPayment:
    inputs = work.inputs
    claims = list[RemittedClaim]()
    for place, one in enumerate(inputs["claims"]):
        path = ("claims", str(place))
        if one["invoice_id"] not in invoices:
            raise NotFound("There is no such invoice", (*path, "invoice_id"))
        with _Within(path):
            claims.append(_claim(place + 1, one, invoices[one["invoice_id"]], lines[one["invoice_id"]]))
    provider = list[ProviderAdjustment]()
    for place, one in enumerate(inputs.get("provider_adjustments") or ()):
        with _Within(("provider_adjustments", str(place))):
            if one["amount"] == 0:
                raise InvalidInput("The amount must not be 0", ("amount",))
            code, reference = required_text(one, "code", CODE), optional_text(one, "reference", CODE)
            provider.append(ProviderAdjustment(code, one["amount"], reference))
    return RemittedPayment(
        place=1,
        amount=inputs["amount"],
        method=inputs.get("method") or PaymentMethod.PAPER,
        paid_on=inputs["received_on"],
        trace=required_text(inputs, "number", CODE),
        payer_identifier=None,
        payer_name=None,
        claims=tuple(claims),
        provider_adjustments=tuple(provider),
    )


class _Within:
    """Errors raised inside refer to a part of the input."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Nothing to begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DomainError):
            error.path = (*self._path, *error.path)


def _claim(place: int, one: Row, invoice: Row, ours: Sequence[OurLine]) -> RemittedClaim:
    lines = list[RemittedLine]()
    for number, line in enumerate(one.get("lines") or ()):
        with _Within(("lines", str(number))):
            lines.append(_line(number + 1, line, ours, lines))
    code = optional_text(one, "status_code", CODE) or "1"
    is_reversal = one["paid"] < 0
    claim = RemittedClaim(
        place=place,
        number=invoice["number"],
        status_code=code,
        charge=-invoice["billed_amount"] if is_reversal else invoice["billed_amount"],
        paid=one["paid"],
        patient_amount=one.get("patient_amount") or Decimal("0.00"),
        payer_number=optional_text(one, "payer_number", CODE),
        adjustments=_adjustments(one),
        remark_codes=tuple(remark_codes_of(one)),
        lines=tuple(lines),
    )
    reason = unknown_status(claim)
    if reason is not None:
        raise InvalidInput(reason, ("status_code",))
    return claim


def _line(place: int, line: Row, ours: Sequence[OurLine], before: Sequence[RemittedLine]) -> RemittedLine:
    found = next((one for one in ours if one.id == line["line_id"]), None)
    if found is None:
        raise NotFound("The invoice has no such line", ("line_id",))
    if any(one.reference == found.id.hex for one in before):
        raise InvalidInput("The line is listed twice", ("line_id",))
    return RemittedLine(
        place=place,
        code=found.code,
        charge=-found.amount if line["paid"] < 0 else found.amount,
        paid=line["paid"],
        reference=found.id.hex,
        adjustments=_adjustments(line),
        remark_codes=tuple(remark_codes_of(line)),
    )


def _adjustments(one: Row) -> tuple[RemittedAdjustment, ...]:
    found = list[RemittedAdjustment]()
    for place, adjustment in enumerate(one.get("adjustments") or ()):
        with _Within(("adjustments", str(place))):
            if adjustment["amount"] == 0:
                raise InvalidInput("The amount must not be 0", ("amount",))
            code = required_text(adjustment, "reason_code", CODE)
            found.append(RemittedAdjustment(adjustment["group"], code, adjustment["amount"]))
    return tuple(found)


def _check_laws(payment: RemittedPayment) -> None:
    """InvalidInput with both figures for the first law that does not hold."""
    for broken in broken_laws(payment):
        figures = {"stated": f"${format_money(broken.stated)}", "computed": f"${format_money(broken.computed)}"}
        raise InvalidInput(_LAWS[broken.law].format(**figures), _path(broken))


def _path(broken: BrokenLaw) -> tuple[str, ...]:
    if broken.claim is None:
        return ("amount",)
    of_line = () if broken.line is None else ("lines", str(broken.line - 1))
    return ("claims", str(broken.claim - 1), *of_line, "paid")


async def _store(work: UnitOfWork, remittance: Row, payment: RemittedPayment, invoices: Sequence[UUID]) -> None:
    writes, payment_id = work.bulk_writes(), new_id(work.moment)
    known = {"recorded_at": work.moment, "origin": RemittanceOrigin.PAPER.value, "imported_by": work.user_id}
    writes.insert("remittances", **remittance, **known)
    of = {"remittance_id": remittance["id"], "recorded_at": work.moment}
    matched = {"payer_id": work.inputs["payer_id"], "status": RemittanceStatus.MATCHED.value}
    writes.insert("remittance_payments", id=payment_id, **of, **matched, **payment_columns(payment, ()))
    for claim, invoice in zip(payment.claims, invoices, strict=True):
        said = claim_columns(claim, [UUID(line.reference) for line in claim.lines])
        found = {"status": status_of(claim, is_found=True).value, "invoice_id": invoice, "place": claim.place}
        writes.insert(
            "remittance_claims", id=claim_id(work.moment, claim.place), **of, payment_id=payment_id, **found, **said
        )
    await writes.run(work.connection)
