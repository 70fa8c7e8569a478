"""The command of refunds: paying back what is unapplied of a payment."""

from uuid import UUID

from domain.billing.outcomes import reason_of
from domain.days import not_later
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.payments.cheques import check_refund
from domain.texts import NAME, required_text
from resolvers.commands.documents import consume
from resolvers.commands.payments.payments import refuse_corrected
from resolvers.commands.unit_of_work import UnitOfWork

_CHEQUE = """select id, received_on, returned_on, corrected_at, held_from is not null and released_at is null as is_held, unapplied_amount
    from cheques where clinic_id = $1 and id = $2 for no key update"""


async def refund(work: UnitOfWork) -> UUID:
    """Refund an amount of what is unapplied of a payment."""
    inputs, writes = work.inputs, work.writes()
    payee, reason = required_text(inputs, "payee", NAME), reason_of(inputs)
    refunded_on = not_later(inputs["refunded_on"], work.today, "refunded_on")
    cheque = await work.one(_CHEQUE, inputs["cheque_id"])
    if cheque is None:
        raise NotFound("There is no such cheque", ("cheque_id",))
    await refuse_corrected(work, cheque)
    if cheque["returned_on"]:
        raise Conflict("This cheque has been returned", ("cheque_id",))
    if cheque["is_held"]:
        raise Conflict("This cheque is held: record its deposit first", ("cheque_id",))
    check_refund(inputs["amount"], cheque["unapplied_amount"])
    if refunded_on < cheque["received_on"]:
        raise InvalidInput("The date must not be before the date of receipt", ("refunded_on",))
    if inputs.get("document_id") is not None:
        await consume(work)
    writes.insert(
        "refunds",
        id=new_id(work.moment),
        recorded_at=work.moment,
        cheque_id=cheque["id"],
        amount=inputs["amount"],
        payee=payee,
        reason=reason,
        refunded_on=refunded_on,
        method=inputs["method"].value,
        document_id=inputs.get("document_id"),
        refunded_by=work.user_id,
    )
    await writes.run(work.connection)
    identity: UUID = cheque["id"]
    return identity
