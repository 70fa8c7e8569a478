"""Commands of recoupment: recording that a payer asks for money back, and how that is answered."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from db.merged_records import group
from domain.billing.money import format_money
from domain.billing.outcomes import reason_of
from domain.days import REQUEST_ANSWER, REQUEST_DUE, not_later
from domain.errors import Conflict, InputReason, InvalidInput, NotFound
from domain.ids import new_id
from domain.payments.recoupment import (
    RecoupmentStatus,
    RecoupmentStep,
    check_step,
    status_after,
)
from domain.texts import REMARK, optional_text
from resolvers.commands.documents import consume
from resolvers.commands.payers import are_one_payer
from resolvers.commands.payments.recoupment_answers import REFERENCE, insert_answer
from resolvers.commands.transitions import Row
from resolvers.commands.unit_of_work import UnitOfWork

_ZERO = Decimal("0.00")
_CHEQUE = "select payer_id, amount, received_on, returned_on from cheques where clinic_id = $1 and id = $2"
_CONCERNS = f"""select exists (select from responsibilities r where r.clinic_id = i.clinic_id and r.invoice_id = i.id
            and r.payer_id = any({group("payer", "$3")}))
        or exists (select from cheque_allocations a join cheques c on c.clinic_id = a.clinic_id and c.id = a.cheque_id
            where a.clinic_id = i.clinic_id and a.invoice_id = i.id and c.payer_id = any({group("payer", "$3")})) as concerns
    from invoices i where i.clinic_id = $1 and i.id = $2"""
_PAYER = "select 1 from payers where clinic_id = $1 and id = $2"
_REQUEST = """select id, payer_id, amount, answered_amount, requested_on, due_on, status from recoupment_requests
    where clinic_id = $1 and id = $2 for no key update"""
_LAST = "select coalesce(max(number), 0) as number from recoupment_answers where clinic_id = $1 and request_id = $2"
_REFUND = """select r.cheque_id, r.amount, r.refunded_on as day, c.payer_id, r.provider_adjustment_id, r.reverses_id,
        (select v.reversal_kind from refunds v where v.clinic_id = r.clinic_id and v.reverses_id = r.id) as reversal_kind
    from refunds r join cheques c on c.clinic_id = r.clinic_id and c.id = r.cheque_id where r.clinic_id = $1 and r.id = $2"""
_WITHHELD = """select p.cheque_id, p.amount, p.effective_on as day, c.payer_id, p.reverses_id,
        (select v.reversal_kind from provider_adjustments v where v.clinic_id = p.clinic_id and v.reverses_id = p.id) as reversal_kind
    from provider_adjustments p join cheques c on c.clinic_id = p.clinic_id and c.id = p.cheque_id
    where p.clinic_id = $1 and p.id = $2"""
_LOCK_CHEQUE = "select id from cheques where clinic_id = $1 and id = $2 for no key update"
# What is answered by a row, or by one that it carries over.
_USED = """with recursive carried as (select id, carries_id from {table} where clinic_id = $1 and id = $2
        union all select r.id, r.carries_id from {table} r join carried c on r.clinic_id = $1 and r.id = c.carries_id)
    select coalesce(sum(a.amount), 0) as used from recoupment_answers a
    where a.clinic_id = $1 and a.{column} in (select id from carried)"""


async def record(work: UnitOfWork) -> UUID:
    """Record that a payer asks for money back."""
    inputs, identity, writes = work.inputs, new_id(work.moment), work.writes()
    reason, reference = reason_of(inputs), optional_text(inputs, "reference", REFERENCE)
    if inputs["amount"] <= 0:
        raise InvalidInput("The amount must be greater than 0", ("amount",), InputReason.TOO_LOW, "0")
    requested_on = not_later(inputs["requested_on"], work.today, "requested_on")
    if not REQUEST_DUE.holds(requested_on, inputs["due_on"]):
        raise InvalidInput(REQUEST_DUE.message, ("due_on",))
    await _check_records(work)
    if inputs.get("document_id") is not None:
        await consume(work)
    names = ("payer_id", "cheque_id", "invoice_id", "document_id", "amount", "requested_on", "due_on")
    writes.insert(
        "recoupment_requests",
        id=identity,
        recorded_at=work.moment,
        **{name: inputs.get(name) for name in names},
        reference=reference,
        reason=reason,
        recorded_by=work.user_id,
    )
    await writes.run(work.connection)
    return identity


async def _check_records(work: UnitOfWork) -> None:
    """The payment and the invoice are of the payer who asks."""
    inputs = work.inputs
    if await work.one(_PAYER, inputs["payer_id"]) is None:
        raise NotFound("There is no such payer", ("payer_id",))
    if inputs.get("cheque_id") is not None:
        cheque = await work.one(_CHEQUE, inputs["cheque_id"])
        if cheque is None:
            raise NotFound("There is no such cheque", ("cheque_id",))
        if not await are_one_payer(work, cheque["payer_id"], inputs["payer_id"]):
            raise InvalidInput("This payment is of another payer", ("cheque_id",))
        if inputs["amount"] > cheque["amount"]:
            words = f"The payment was ${format_money(cheque['amount'])}: no more of it can be asked back"
            raise InvalidInput(words, ("amount",))
        if inputs["requested_on"] < cheque["received_on"]:
            raise InvalidInput("The date must not be before the receipt of the payment", ("requested_on",))
    if inputs.get("invoice_id") is not None:
        invoice = await work.one(_CONCERNS, inputs["invoice_id"], inputs["payer_id"])
        if invoice is None:
            raise NotFound("There is no such invoice", ("invoice_id",))
        if not invoice["concerns"]:
            raise InvalidInput("This payer was never responsible for the invoice, and has not paid it", ("invoice_id",))


async def answer(work: UnitOfWork) -> UUID:
    """Record the answer to a request, or what the payer did after it."""
    inputs, step = work.inputs, work.inputs["step"]
    found = await _named(work, step)
    request = await work.one(_REQUEST, inputs["request_id"])
    if request is None:
        raise NotFound("There is no such recoupment request", ("request_id",))
    status = RecoupmentStatus(request["status"])
    check_step(status, step)
    answered_on = not_later(inputs.get("answered_on") or work.today, work.today, "answered_on")
    if not REQUEST_ANSWER.holds(request["requested_on"], answered_on):
        raise InvalidInput(REQUEST_ANSWER.message, ("answered_on",))
    due_on = _due_day(work, step, answered_on)
    if found and not await are_one_payer(work, found["payer_id"], request["payer_id"]):
        raise InvalidInput("This is of another payer than the request", (_SOURCES[step][0],))
    amount = _answered_amount(request, step, found) if found else None
    if inputs.get("document_id") is not None:
        await consume(work)
    last = await work.one(_LAST, request["id"])
    names = ("refund_id", "provider_adjustment_id", "document_id")
    known = {name: inputs.get(name) for name in names} | {"note": optional_text(inputs, "note", REMARK)}
    writes = work.writes()
    insert_answer(work, writes, request["id"], last["number"] + 1, step, answered_on, amount, due_on=due_on, **known)
    answered = request["answered_amount"] + (amount or _ZERO)
    then = status_after(status, step, request["amount"] - answered)
    values = {"status": then.value, "answered_amount": answered, "due_on": due_on or request["due_on"]}
    writes.update("recoupment_requests", {"id": request["id"]}, **values)
    await writes.run(work.connection)
    identity: UUID = request["id"]
    return identity


def _due_day(work: UnitOfWork, step: RecoupmentStep, answered_on: date) -> date | None:
    due_on: date | None = work.inputs.get("due_on")
    if due_on is None:
        return None
    if step is not RecoupmentStep.APPEAL_REFUSED:
        raise InvalidInput("Only a refused appeal sets a new due day", ("due_on",))
    if due_on < answered_on:
        raise InvalidInput("The due day must not be before the refusal of the appeal", ("due_on",))
    return due_on


# Answer → the input that names what answers, the query for it, its table, and the message where there is none.
_SOURCES = {
    RecoupmentStep.REFUND: ("refund_id", _REFUND, "refunds", "There is no such refund"),
    RecoupmentStep.WITHHOLDING: (
        "provider_adjustment_id",
        _WITHHELD,
        "provider_adjustments",
        "There is no such provider adjustment",
    ),
}


async def _named(work: UnitOfWork, step: RecoupmentStep) -> Row | None:
    """The refund or the provider adjustment that answers, with its payment locked; None where the step has none."""
    wanted = _SOURCES.get(step)
    for name in ("refund_id", "provider_adjustment_id"):
        if work.inputs.get(name) is not None and (wanted is None or wanted[0] != name):
            raise InvalidInput("This belongs to another answer", (name,))
    if wanted is None:
        return None
    name, query, table, missing = wanted
    identity = work.inputs.get(name)
    if identity is None:
        step_of = "refund the money first (refundCheque)" if name == "refund_id" else "it is a row of a later payment"
        raise InvalidInput(f"This answer names what answers: {step_of}", (name,))
    before: Row | None = await work.one(query, identity)
    if before is None:
        raise NotFound(missing, (name,))
    await work.one(_LOCK_CHEQUE, before["cheque_id"])
    used = await work.one(_USED.format(table=table, column=name), identity)
    return {**await work.one(query, identity), **used}


def _answered_amount(request: Row, step: RecoupmentStep, found: Row) -> Decimal:
    """What of the request is answered by a refund or a provider adjustment, in US dollars."""
    name = _SOURCES[step][0]
    if found["reversal_kind"] == "returned" or found["reverses_id"]:
        raise Conflict("This was reversed, and answers nothing", (name,))
    if found["reversal_kind"]:
        raise Conflict("This was carried over to another payment: name the row there", (name,))
    if found["amount"] < 0:
        raise InvalidInput("This row raises the payment: nothing is withheld by it", (name,))
    if step is RecoupmentStep.REFUND and found["provider_adjustment_id"]:
        words = "This refund was withheld by a row of a later payment: name that row, with the answer WITHHOLDING"
        raise Conflict(words, (name,))
    left: Decimal = found["amount"] - found["used"]
    if left <= 0 or (step is RecoupmentStep.REFUND and found["used"]):
        raise Conflict("This already answers a recoupment request", (name,))
    asked: Decimal = request["amount"] - request["answered_amount"]
    return min(left, asked)
