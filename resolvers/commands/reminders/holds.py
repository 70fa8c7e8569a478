"""Holds: reminders about an invoice, a case or a payer pause until a day, and a hold can be released early."""

from uuid import UUID

from db.merged_records import group
from db.write_batch import WriteBatch
from domain.billing.invoice_events import change_of
from domain.days import not_past
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.texts import REASON, required_text
from resolvers.commands.billing.cases import lock_case
from resolvers.commands.transitions import announce, lock, record_event
from resolvers.commands.unit_of_work import UnitOfWork

# The possible targets of a hold, in the order of locks; the columns of the table have the same names.
_TARGETS = ("case_id", "invoice_id", "payer_id")
_PAYER = "select id from payers where clinic_id = $1 and id = $2 for no key update"
_ON = {"payer_id": f"payer_id = any({group('payer', '$2')})"}
_IN_FORCE = "select until_on from holds where clinic_id = $1 and {on} and released_at is null and until_on >= $3"
_HOLD = "select id, invoice_id, case_id, payer_id, until_on, released_at from holds where clinic_id = $1 and id = $2"


async def place(work: UnitOfWork) -> UUID:
    """Place a hold until a day, with a reason. An active hold on the same target must be released first."""
    target, held = _target(work)
    until = not_past(work.inputs["until_on"], work.today, "until_on")
    reason = required_text(work.inputs, "reason", REASON)
    writes, identity = work.writes(), new_id(work.moment)
    await _say(work, writes, target, held, "place_hold", None, until.isoformat())
    if await work.one(_IN_FORCE.format(on=_ON.get(target, f"{target} = $2")), held, work.today):
        raise Conflict("A hold is already active: release it first", (target,))
    placed = {"placed_by": work.user_id, "placed_at": work.moment, "recorded_at": work.moment}
    writes.insert("holds", id=identity, **{target: held}, until_on=until, reason=reason, **placed)
    await writes.run(work.connection)
    return identity


async def release(work: UnitOfWork) -> UUID:
    """Release a hold before its last day."""
    hold = await work.one(_HOLD, work.inputs["hold_id"])
    if hold is None:
        raise NotFound("There is no such hold", ("hold_id",))
    target = next(name for name in _TARGETS if hold[name])
    writes = work.writes()
    await _say(work, writes, target, hold[target], "release_hold", hold["until_on"].isoformat(), None)
    # The target is locked now, so that no other command releases the hold meanwhile.
    hold = await work.one(_HOLD, hold["id"])
    if hold["released_at"] or hold["until_on"] < work.today:
        raise Conflict("This hold has already ended", ("hold_id",))
    writes.update("holds", {"id": hold["id"]}, released_at=work.moment)
    await writes.run(work.connection)
    identity: UUID = hold["id"]
    return identity


def _target(work: UnitOfWork) -> tuple[str, UUID]:
    named = [(name, work.inputs[name]) for name in _TARGETS if work.inputs.get(name) is not None]
    if len(named) != 1:
        raise InvalidInput("Exactly one of an invoice, a case or a payer is required", ("invoice_id",))
    return named[0]


async def _say(
    work: UnitOfWork, writes: WriteBatch, target: str, held: UUID, name: str, before: str | None, after: str | None
) -> None:
    """Lock the target and add the event of an invoice; holds of cases and payers are their own history."""
    if target == "case_id":
        await lock_case(work, held)
    elif target == "invoice_id":
        row = (await lock(work, [held]))[held]
        record_event(work, writes, row, name, row["status"], row["status"], [change_of("hold", before, after)])
        announce(work, held, ["holds"])
    elif await work.one(_PAYER, held) is None:
        raise NotFound("There is no such payer", ("payer_id",))
