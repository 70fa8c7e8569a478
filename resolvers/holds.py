"""Decides how an invoice, a case or a payer is kept quiet until a day, and how that is lifted early."""

from uuid import UUID

from db.writing import Writes
from domain.days import not_past
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.texts import REASON, needed
from resolvers.cases import lock_case
from resolvers.transitions import announce, change_of, lock, record_event
from resolvers.writing import Work

# What can be held, in the order of locks; the columns of the table are called alike.
_TARGETS = ("case_id", "invoice_id", "payer_id")
_PAYER = "select id from payers where clinic_id = $1 and id = $2 for no key update"
_IN_FORCE = (
    """select until_on from holds where clinic_id = $1 and {target} = $2 and released_at is null and until_on >= $3"""
)
_HOLD = "select id, invoice_id, case_id, payer_id, until_on, released_at from holds where clinic_id = $1 and id = $2"


async def place(work: Work) -> UUID:
    """Keep one thing quiet until a day, for a reason. What is kept quiet already is released first."""
    target, held = _target(work)
    until = not_past(work.given["until_on"], work.today, "until_on")
    reason = needed(work.given, "reason", REASON)
    writes, identity = work.writes(), new_id(work.moment)
    await _say(work, writes, target, held, "place_hold", None, until.isoformat())
    if await work.one(_IN_FORCE.format(target=target), held, work.today):
        raise Conflict("There is a hold in force: release it first", (target,))
    placed = {"placed_by": work.user_id, "placed_at": work.moment, "recorded_at": work.moment}
    writes.insert("holds", id=identity, **{target: held}, until_on=until, reason=reason, **placed)
    await writes.run(work.connection)
    return identity


async def release(work: Work) -> UUID:
    """Lift a hold before its last day."""
    hold = await work.one(_HOLD, work.given["hold_id"])
    if hold is None:
        raise NotFound("There is no such hold", ("hold_id",))
    target = next(name for name in _TARGETS if hold[name])
    writes = work.writes()
    await _say(work, writes, target, hold[target], "release_hold", hold["until_on"].isoformat(), None)
    # Now that what is held is locked, nobody else releases the hold meanwhile.
    hold = await work.one(_HOLD, hold["id"])
    if hold["released_at"] or hold["until_on"] < work.today:
        raise Conflict("This hold is over already", ("hold_id",))
    writes.update("holds", {"id": hold["id"]}, released_at=work.moment)
    await writes.run(work.connection)
    identity: UUID = hold["id"]
    return identity


def _target(work: Work) -> tuple[str, UUID]:
    named = [(name, work.given[name]) for name in _TARGETS if work.given.get(name) is not None]
    if len(named) != 1:
        raise InvalidInput("Say one thing to be held: an invoice, a case or a payer", ("invoice_id",))
    return named[0]


async def _say(
    work: Work, writes: Writes, target: str, held: UUID, name: str, before: str | None, after: str | None
) -> None:
    """Lock what is held, and gather the event of an invoice: holds of cases and payers are their own history."""
    if target == "case_id":
        await lock_case(work, held)
    elif target == "invoice_id":
        row = (await lock(work, [held]))[held]
        record_event(work, writes, row, name, row["status"], row["status"], [change_of("hold", before, after)])
        announce(work, writes, held, ["holds"])
    elif await work.one(_PAYER, held) is None:
        raise NotFound("There is no such payer", ("payer_id",))
