"""The inputs of transitions of one invoice, made from its present state: amounts and days at which others may collide."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests.state_machine.remittances import remittance_file
from tests.state_machine.steps import Step, remember_payment, replace_payment
from tests.state_machine.world import Payment, World
from tests.support.api.scenarios import line

_CENT = Decimal("0.01")
_REASONS = ("DEDUCTIBLE", "COINSURANCE", "OTHER", "OTHER", "EXHAUSTED", "REFUSED")
_ELECTRONIC = ("ACH", "WIRE", "CARD", "VIRTUAL_CARD", "CASH")
_RETURNS = ("NSF", "STOPPED", "STALE", "LOST", "REPLACED")
# Mutations that take a version.
_UNVERSIONED = (
    *("record_cheque", "allocate_cheque", "post_remittance", "return_cheque", "correct_cheque", "move_allocation"),
    *("settle_case", "close_case", "reopen_case"),
)


@dataclass
class Moment:
    """One invoice as a user has just read it; `upload` gives the id of a scan, `remit` that of an imported remittance of a payer."""

    world: World
    random: Random
    invoice: dict[str, Any]
    number: int
    upload: Callable[[], str]
    remit: Callable[[bytes, str], str | None]

    @property
    def id(self) -> str:
        """The id of the invoice."""
        identity: str = self.invoice["id"]
        return identity

    def amount(self, of: Decimal | None = None) -> str:
        """A part of what is due, at times all of it, and at times more."""
        due = Decimal(self.invoice["balance"]) if of is None else of
        share = self.random.choice((Decimal("0.3"), Decimal("0.5"), Decimal("0.9"), Decimal(1), Decimal("1.1")))
        return str(max(_CENT, (due * share).quantize(_CENT)))

    def step(self, name: str) -> Step | None:
        """The step of a transition; None if nothing is known that it could be about."""
        inputs: dict[str, Any] | None = {"invoiceId": self.id, "reason": "As it happens"}
        if name in _INPUTS:
            inputs = _INPUTS[name](self)
        if inputs is None:
            return None
        if name not in _UNVERSIONED and self.random.random() < 0.5:
            inputs["version"] = self.invoice["version"]
        return Step(name, inputs, known=self._known_of(name, inputs))

    def _known_of(self, name: str, inputs: dict[str, Any]) -> Callable[[str], None]:
        def known(identity: str) -> None:
            world = self.world
            if name == "record_cheque":
                payment = Payment(identity, inputs["payerId"], inputs["chequeDate"] > inputs["receivedOn"])
                remember_payment(world, payment, [part["invoiceId"] for part in inputs["allocations"]])
            if name in ("void_invoice", "replace_invoice"):
                world.forget_invoice(self.id)
            if name == "replace_invoice":
                with world.lock:
                    world.invoices = [*world.invoices, identity]
                    world.case_of[identity] = self.invoice["case"]["id"]
            if name in ("settle_case", "close_case"):
                world.cases = [case for case in world.cases if case != identity]
            if name == "reopen_case":
                world.cases = [*world.cases, identity]
            if name == "correct_cheque":
                known = next((one for one in world.cheques if one.id == inputs["chequeId"]), None)
                payer = inputs.get("payerId") or (known.payer if known else "")
                is_returned = known is not None and known.is_returned
                replace_payment(world, inputs["chequeId"], Payment(identity, payer, is_returned=is_returned))
            if name == "return_cheque":
                for one in world.cheques:
                    one.is_returned = one.is_returned or one.id == identity

        return known

    def of_invoice(self, **values: Any) -> dict[str, Any]:
        """An input about the invoice."""
        return {"invoiceId": self.id, **values}

    def another_payer(self) -> str:
        """Another payer than the present one, or, seldom, the same."""
        others = [payer for payer in self.world.payers if payer != self.invoice["payer"]["id"]]
        return self.random.choice(others)


def _agreement(now: Moment) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if now.invoice["negotiation"]["openOffer"] is None or now.random.random() < 0.5:
        values["amount"] = now.amount()
    # The first day of a run is going to end.
    if now.random.random() < 0.5 and now.world.days_back > 0:
        values["conditionalUntil"] = now.world.today.isoformat()
    return now.of_invoice(**values)


def _denial(now: Moment) -> dict[str, Any]:
    return now.of_invoice(deniedOn=now.world.some_day(now.random, 4), reasonCode="CO-50")


def _adjustment(now: Moment) -> dict[str, Any]:
    """A part of what is due or, seldom, a part that is taken back, or one of an invoice of which nothing is due."""
    amount = now.amount() if now.random.random() < 0.7 else f"-{now.amount(Decimal(5))}"
    values: dict[str, Any] = {
        "group": now.random.choice(("CO", "CO", "OA", "PI", "PR")),
        "reasonCode": "45",
        "amount": amount,
    }
    if now.random.random() < 0.4:
        values["adjustedOn"] = now.world.some_day(now.random, 4)
    return now.of_invoice(**values)


def _cheque(now: Moment) -> dict[str, Any]:
    world, random = now.world, now.random
    payer = now.invoice["payer"]["id"] if random.random() < 0.75 else random.choice(world.payers)
    if now.invoice["status"] in ("CHEQUE_RECEIVED", "PAID"):
        # Of the present payer nothing is left to pay; the patient's money shrinks the reduction.
        payer = world.payers[-1]
    received_on, is_paper = world.some_day(random), random.random() < 0.15
    if now.id in world.conditional and random.random() < 0.7:
        # Money that was received before the agreement lapsed.
        received_on = (world.today - timedelta(days=1)).isoformat()
    cheque_date = received_on
    if is_paper and random.random() < 0.5:
        cheque_date = (world.today + timedelta(days=random.choice((-200, 0, 20)))).isoformat()
    due = Decimal(now.invoice["balance"])
    part = _almost(due) if random.random() < 0.25 and due > 2 else max(_CENT, Decimal(now.amount()))
    parts = {now.id: part} if random.random() < 0.85 else {}
    if random.random() < 0.2:
        parts[random.choice(world.invoices)] = _CENT
    is_held = cheque_date > received_on
    amount = sum(parts.values(), Decimal(0)) + random.choice((Decimal(0), Decimal(0), Decimal(25)))
    values: dict[str, Any] = {
        "payerId": payer,
        "number": f"{now.number}" if random.random() < 0.97 else "the same number",
        "method": "PAPER" if is_paper else random.choice(_ELECTRONIC),
        "amount": str(max(amount, _CENT)),
        "chequeDate": cheque_date,
        "receivedOn": received_on,
        "allocations": [] if is_held else _parts(parts),
    }
    if random.random() < 0.1:
        values["bank"] = "A bank"
    if is_paper:
        values["documentId"] = now.upload()
    returned = [one for one in world.cheques if one.is_returned and one.payer == payer]
    if returned and random.random() < 0.5:
        values |= {"replacesId": random.choice(returned).id, "receivedOn": world.today.isoformat()}
    return values


def _almost(due: Decimal) -> Decimal:
    """A payment that leaves a balance within the clinic's tolerance."""
    return due - Decimal("0.50")


def _parts(parts: dict[str, Decimal]) -> list[dict[str, str]]:
    return [{"invoiceId": invoice, "amount": str(amount)} for invoice, amount in parts.items()]


def _allocation(now: Moment) -> dict[str, Any] | None:
    usable = [one for one in now.world.cheques if not one.is_returned and not one.is_held]
    fitting = [one for one in usable if one.payer in (now.invoice["payer"]["id"], now.world.payers[-1])]
    if not (chosen := fitting or usable):
        return None
    amount = now.random.choice((_CENT, Decimal(5), Decimal(25)))
    return {"chequeId": now.random.choice(chosen).id, "allocations": _parts({now.id: amount})}


def _remittance(now: Moment) -> dict[str, Any] | None:
    world, random = now.world, now.random
    payer = now.invoice["payer"]["id"] if random.random() < 0.85 else random.choice(world.payers)
    remittance = now.remit(remittance_file(random, now.invoice, payer, now.number, world.today), payer)
    return {"remittanceId": remittance} if remittance else None


def _return(now: Moment) -> dict[str, Any] | None:
    standing = [one for one in now.world.paid_by[now.id] if not one.is_returned] or now.world.cheques
    if not standing:
        return None
    on = now.world.some_day(now.random, 3)
    kind = now.random.choice(_RETURNS)
    return {"chequeId": now.random.choice(standing).id, "returnedOn": on, "kind": kind, "reason": "As it happens"}


def _correction(now: Moment) -> dict[str, Any] | None:
    """Something is typed right of a payment of the invoice, or of another one, which is then a payment of this invoice."""
    payments = now.world.paid_by[now.id] or [one for one in now.world.cheques if not one.is_held]
    if not payments:
        return None
    day, part = now.world.some_day(now.random), {now.id: now.random.choice((_CENT, Decimal(5)))}
    right: dict[str, Any] = now.random.choice(
        (
            {"number": f"right {now.number}"},
            {"amount": "40.00", "allocations": _parts(part)},
            {"allocations": _parts(part)},
            {"receivedOn": day, "chequeDate": day},
            {"payerId": now.random.choice(now.world.payers)},
            {"payerId": now.random.choice(now.world.payers), "allocations": []},
        )
    )
    return {"chequeId": now.random.choice(payments).id, "reason": "Typed wrong", **right}


def _move(now: Moment) -> dict[str, Any] | None:
    payments = [one for one in now.world.paid_by[now.id] if not one.is_returned]
    if not payments:
        return None
    values: dict[str, Any] = {
        "chequeId": now.random.choice(payments).id,
        "invoiceId": now.id,
        "reason": "As it happens",
    }
    if now.random.random() < 0.5:
        values["toInvoiceId"] = now.random.choice(now.world.invoices)
    if now.random.random() < 0.6:
        values["amount"] = str(_CENT)
    return values


def _transfer(now: Moment) -> dict[str, Any]:
    random, world = now.random, now.world
    reason = random.choice(_REASONS)
    values: dict[str, Any] = {"reason": reason, "note": "As it happens"}
    coverages = world.coverages[now.invoice["case"]["id"]]
    if coverages and random.random() < 0.4:
        values["coverageId"] = random.choice(coverages)
    else:
        values["payerId"] = now.another_payer()
    if reason in ("EXHAUSTED", "REFUSED"):
        values["documentId"] = now.upload()
    if random.random() < 0.3:
        values["effectiveOn"] = world.some_day(random, 3)
    if random.random() < 0.7:
        values["keepAgreement"] = now.invoice["agreedAmount"] is not None and random.random() < 0.6
    return now.of_invoice(**values)


def _replacement(now: Moment) -> dict[str, Any]:
    lines = [line(now.amount(Decimal(now.invoice["billedAmount"])))]
    lines += [line("7.77")] if now.random.random() < 0.3 else []
    return now.of_invoice(lines=lines, reason="A wrong line", confirmDuplicate=True)


def _case(**values: Any) -> Callable[[Moment], dict[str, Any]]:
    return lambda now: {"caseId": now.invoice["case"]["id"], **values}


_INPUTS: dict[str, Callable[[Moment], dict[str, Any] | None]] = {
    "submit_invoice": lambda now: now.of_invoice(submittedOn=now.world.today.isoformat(), method="MAIL"),
    "accept_in_full": lambda now: now.of_invoice(),
    "request_reduction": lambda now: now.of_invoice(amount=now.amount()),
    "counter_reduction": lambda now: now.of_invoice(party=now.random.choice(("CLINIC", "PAYER")), amount=now.amount()),
    "agree_reduction": _agreement,
    "record_denial": _denial,
    "record_adjustment": _adjustment,
    "record_cheque": _cheque,
    "allocate_cheque": _allocation,
    "post_remittance": _remittance,
    "return_cheque": _return,
    "correct_cheque": _correction,
    "move_allocation": _move,
    "settle_case": _case(),
    "close_case": _case(reason="LOST", note="As it happens"),
    "reopen_case": _case(reason="As it happens"),
    "change_payer": lambda now: now.of_invoice(payerId=now.another_payer(), reason="As it happens"),
    "transfer_balance": _transfer,
    "replace_invoice": _replacement,
    "close_small_balance": lambda now: now.of_invoice(),
}
