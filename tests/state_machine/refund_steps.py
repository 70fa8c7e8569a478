"""Steps about refunds and what payers ask back: refunds that come back, are covered or given up, requests and their answers."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from db.global_ids import make_id
from tests.state_machine.world import World
from tests.support.databases import rows

_STANDING = """select r.id from refunds r where r.reverses_id is null and r.recorded_at > now() - interval '1 year'
    and not exists (select from refunds v where v.reverses_id = r.id) order by r.id desc limit 6"""
# Refunds whose payments were returned, each with another payment of the payer.
_OWED = """select r.id, o.id as cheque_id from refunds r join cheques c on c.id = r.cheque_id and c.returned_on is not null
    join cheques o on o.payer_id = c.payer_id and o.unapplied_amount > 0 where r.reverses_id is null
    and not exists (select from refunds v where v.reverses_id = r.id) order by r.id desc, o.id desc limit 6"""
_STEPS = ("REFUND", "REFUND", "APPEAL", "APPEAL_REFUSED", "WITHDRAWAL", "WITHHOLDING")

Inputs = dict[str, Any] | None


def _refund(world: World, random: Random, number: int) -> Inputs:
    if not world.cheques:
        return None
    how = {"method": "ACH", "reason": "Paid twice", "payee": f"Payee {number}"}
    what = {"chequeId": random.choice(world.cheques).id, "amount": random.choice(("0.01", "25.00"))}
    return {**what, **how, "refundedOn": world.today.isoformat()}


def _some(world: World, random: Random, query: str) -> Any:
    found = rows(world.address, query)
    return random.choice(found) if found else None


def _return(world: World, random: Random, number: int) -> Inputs:
    found = _some(world, random, _STANDING)
    told = {"returnedOn": world.some_day(random, 2), "reason": f"Unknown address {number}"}
    return found and {"refundId": make_id("Refund", found["id"]), **told}


def _cover(world: World, random: Random, number: int) -> Inputs:
    found = _some(world, random, _OWED)
    part = {"amount": "0.01"} if random.random() < 0.3 else {}
    named = found and {"refundId": make_id("Refund", found["id"]), "chequeId": make_id("Cheque", found["cheque_id"])}
    return named and {**named, **part, "reason": f"Paid back {number}"}


def _give_up(world: World, random: Random, number: int) -> Inputs:
    found = _some(world, random, random.choice((_STANDING, _OWED)))
    return found and {"refundId": make_id("Refund", found["id"]), "reason": f"Insolvent {number}"}


def _ask(world: World, random: Random, number: int) -> Inputs:
    due_on = (world.today + timedelta(days=random.choice((3, 30)))).isoformat()
    told = {"reason": f"Paid twice {number}", "requestedOn": world.some_day(random, 3), "dueOn": due_on}
    what = {"payerId": random.choice(world.payers), "amount": random.choice(("0.01", "20.00", "30.00"))}
    about = {"invoiceId": random.choice(world.invoices)} if world.invoices and random.random() < 0.3 else {}
    return {**what, **told, **about}


def _answer(world: World, random: Random, number: int) -> Inputs:
    if not world.requests:
        return None
    step, refund = random.choice(_STEPS), _some(world, random, _STANDING)
    named = {"refundId": make_id("Refund", refund["id"])} if step == "REFUND" and refund else {}
    return {"requestId": random.choice(world.requests), "step": step, **named, "note": f"Answer {number}"}


REFUND_STEPS: dict[str, Callable[[World, Random, int], Inputs]] = {
    "refund_cheque": _refund,
    "return_refund": _return,
    "cover_refund": _cover,
    "give_up_refund": _give_up,
    "record_recoupment_request": _ask,
    "answer_recoupment_request": _answer,
}
