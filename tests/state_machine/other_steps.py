"""Steps about other records than one invoice: new invoices, visits, coverages, attorneys, deposits, reminders."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from tests.state_machine.refund_steps import REFUND_STEPS
from tests.state_machine.steps import Step
from tests.state_machine.world import INJURED_ON, LIVE_CASES, LIVE_INVOICES, World
from tests.support.api.scenarios import line

# Step → the list of the world that its record is added to, and how many before it stay there.
_LISTED = {
    "create_deposit": ("deposits", 4),
    "record_recoupment_request": ("requests", 8),
    "schedule_reminder": ("reminders", 8),
}
_KINDS = ("PIP", "MEDPAY", "HEALTH", "LIABILITY")
# The step that makes a record → the list of those that live, and how many of them are kept besides the new one.
_REMEMBERED = {"create_deposit": ("deposits", 4), "merge_payers": ("merges", 6), "schedule_reminder": ("reminders", 8)}
_PRICES = ("10.00", "99.99", "100.00", "250.00", "1000.00", "0.00")


@dataclass
class Chance:
    """What a user has to choose from, for one step; `upload` gives the id of a scan."""

    world: World
    random: Random
    number: int
    upload: Callable[[], str]

    def step(self, name: str) -> Step | None:
        """The step of a name; None if nothing is known that it could be about."""
        inputs = _INPUTS[name](self)
        return (
            None if inputs is None else Step(name.removesuffix("_of_visit"), inputs, known=self._known_of(name, inputs))
        )

    def some_case(self) -> str:
        """One of the cases that live."""
        return self.random.choice(self.world.cases)

    def _known_of(self, name: str, inputs: dict[str, Any]) -> Callable[[str], None]:
        world = self.world

        def known(identity: str) -> None:
            with world.lock:
                if name.startswith("create_invoice"):
                    world.invoices = [*world.invoices[-LIVE_INVOICES:], identity]
                    world.case_of[identity] = inputs["caseId"]
                if name == "create_case":
                    world.cases = [*world.cases, identity][-LIVE_CASES:]
                if name == "add_coverage":
                    world.coverages[inputs["caseId"]].append(identity)
                if name == "record_encounter":
                    world.encounters = [*world.encounters[-12:], identity]
                    world.case_of[identity] = inputs["caseId"]
                if name in _LISTED:
                    listed, most = _LISTED[name]
                    setattr(world, listed, [*getattr(world, listed)[-most:], identity])
                if name in ("create_deposit", "deposit_cheques"):
                    for one in world.cheques:
                        one.is_held = one.is_held and one.id not in inputs["chequeIds"]

        return known


def _case(now: Chance) -> dict[str, Any]:
    opened = {"patientId": now.world.found.own["Patient"], "dateOfInjury": INJURED_ON.isoformat()}
    return {**opened, "openedOn": "2026-02-01", "attorneyId": now.random.choice(now.world.attorneys)}


def _invoice(now: Chance) -> dict[str, Any]:
    known = [now.world.case_of.get(one) for one in now.world.invoices]
    case = min(now.world.cases, key=known.count) if now.random.random() < 0.8 else now.some_case()
    who = {"caseId": case, "payerId": now.random.choice(now.world.payers), "confirmDuplicate": True}
    price = now.random.choice(_PRICES)
    return {**who, "serviceDate": now.random.choice(("2026-03-02", "2026-03-03")), "lines": [line(price)]}


def _invoice_of_visit(now: Chance) -> dict[str, Any] | None:
    if not now.world.encounters:
        return None
    visit = now.random.choice(now.world.encounters)
    who = {"caseId": now.world.case_of[visit], "payerId": now.random.choice(now.world.payers)}
    return {**who, "encounterId": visit, "serviceDate": "2026-03-04", "confirmDuplicate": True}


def _visit(now: Chance) -> dict[str, Any]:
    exams = [{"examTypeId": one} for one in now.world.exams]
    who = {"physicianId": now.random.choice(now.world.physicians), "facilityId": now.world.facility}
    return {"caseId": now.some_case(), **who, "serviceDate": "2026-03-04", "exams": exams}


def _of(records: str, named: str, **values: Any) -> Callable[[Chance], dict[str, Any] | None]:
    """An input about one of some records, if there is any."""

    def inputs(now: Chance) -> dict[str, Any] | None:
        known = getattr(now.world, records)
        return {named: now.random.choice(known), **values} if known else None

    return inputs


def _corrected_visit(now: Chance) -> dict[str, Any] | None:
    physician = now.random.choice(now.world.physicians)
    return _of("encounters", "encounterId", physicianId=physician)(now)


def _coverage(now: Chance) -> dict[str, Any]:
    terms: dict[str, Any] = {"limit": now.random.choice(("100.00", "500.00")), "balanceBilling": "ALLOWED"}
    who = {"caseId": now.some_case(), "payerId": now.random.choice(now.world.payers[:2])}
    return {**who, "kind": now.random.choice(_KINDS), **(terms if now.random.random() < 0.7 else {})}


def _of_coverage(**values: Any) -> Callable[[Chance], dict[str, Any] | None]:
    def inputs(now: Chance) -> dict[str, Any] | None:
        known = now.world.coverages[now.some_case()]
        return {"coverageId": now.random.choice(known), **values} if known else None

    return inputs


def _changed_coverage(now: Chance) -> dict[str, Any] | None:
    # The version is known of a coverage that nobody has changed.
    return _of_coverage(version=now.random.choice((1, 1, 2, 3)), limit=now.random.choice(("50.00", "600.00")))(now)


def _closed_coverage(now: Chance) -> dict[str, Any] | None:
    values: dict[str, Any] = {"status": now.random.choice(("EXHAUSTED", "REFUSED", "CLOSED"))}
    if now.random.random() < 0.5:
        values["documentId"] = now.upload()
    return _of_coverage(**values)(now)


def _attorney(now: Chance) -> dict[str, Any]:
    ahead = now.random.choice((0, 0, -1, -30, 1, 20))
    who = now.random.choice((*now.world.attorneys, *now.world.attorneys, None))
    day = (now.world.today + timedelta(days=ahead)).isoformat()
    return {"caseId": now.some_case(), "attorneyId": who, "effectiveOn": day}


def _from_former_firm(now: Chance) -> dict[str, Any]:
    how = {"keepAgreements": now.random.random() < 0.5, "note": "The former firm"}
    return {"caseId": now.some_case(), "payerId": now.random.choice(now.world.payers), **how}


def _deposit(now: Chance) -> dict[str, Any] | None:
    cheques = [one.id for one in now.world.cheques if not one.is_returned]
    chosen = now.random.sample(cheques, min(len(cheques), now.random.randint(1, 3)))
    return {"chequeIds": chosen} if chosen else None


def _new_deposit(now: Chance) -> dict[str, Any] | None:
    chosen = _deposit(now)
    day = now.world.some_day(now.random, 3)
    return chosen and {**chosen, "bankAccount": f"Account {now.number}", "depositedOn": day}


def _more_deposit(now: Chance) -> dict[str, Any] | None:
    chosen = _deposit(now)
    return chosen and _of("deposits", "depositId", **chosen)(now)


def _cleared(now: Chance) -> dict[str, Any] | None:
    cheques = now.world.cheques
    return {"chequeId": now.random.choice(cheques).id, "clearedOn": now.world.today.isoformat()} if cheques else None


def _injury(now: Chance) -> dict[str, Any]:
    day = INJURED_ON + timedelta(days=now.random.choice((-2, 0, 30, 57)))
    return {"caseId": now.some_case(), "dateOfInjury": day.isoformat()}


def _limits(now: Chance) -> dict[str, Any] | None:
    return _of("invoices", "invoiceId", floorAmount=now.random.choice((None, "1.00", "50.00")))(now)


def _lines(now: Chance) -> dict[str, Any] | None:
    return _of("invoices", "invoiceId", lines=[line(now.random.choice(_PRICES))], confirmDuplicate=True)(now)


def _reminder(now: Chance) -> dict[str, Any] | None:
    return _of("invoices", "invoiceId", targetDate=now.world.today.isoformat(), subject="Call")(now)


def _merged(now: Chance) -> dict[str, Any]:
    """Two of the insurers or firms, the patient's own payer or one of each: what is two is refused."""
    merged, surviving = now.random.sample(now.world.payers, 2)
    return {"mergedId": merged, "survivingId": surviving}


def _parted(now: Chance) -> dict[str, Any] | None:
    return {"mergeId": now.random.choice(now.world.merges)} if now.world.merges else None


def _appeal(now: Chance) -> dict[str, Any] | None:
    values: dict[str, Any] = {"appealedOn": now.world.some_day(now.random, 2)}
    if now.random.random() < 0.3:
        values["documentId"] = now.upload()
    return _of("denials", "denialId", **values)(now)


def _outcome(now: Chance) -> dict[str, Any] | None:
    outcome = now.random.choice(("UPHELD", "OVERTURNED", "PARTIAL", "CLOSED"))
    values: dict[str, Any] = {"outcome": outcome, "closedOn": now.world.some_day(now.random, 2)}
    if outcome == "PARTIAL" or now.random.random() < 0.2:
        values["amountRecovered"] = "3.33"
    return _of("denials", "denialId", **values)(now)


def _of_refunds(inputs: Callable[[World, Random, int], dict[str, Any] | None]) -> Callable[[Chance], Any]:
    return lambda now: inputs(now.world, now.random, now.number)


_INPUTS: dict[str, Callable[[Chance], dict[str, Any] | None]] = {
    "create_case": _case,
    "create_invoice": _invoice,
    "create_invoice_of_visit": _invoice_of_visit,
    "record_encounter": _visit,
    "update_encounter": _corrected_visit,
    "cancel_encounter": _of("encounters", "encounterId", reason="It did not take place"),
    "add_coverage": _coverage,
    "update_coverage": _changed_coverage,
    "verify_coverage": _of_coverage(),
    "close_coverage": _closed_coverage,
    "appeal_denial": _appeal,
    "close_denial": _outcome,
    "assign_attorney": _attorney,
    "cancel_attorney_change": lambda now: {"caseId": now.some_case()},
    "transfer_from_former_firm": _from_former_firm,
    "create_deposit": _new_deposit,
    "deposit_cheques": _more_deposit,
    "clear_cheque": _cleared,
    "merge_payers": _merged,
    "undo_merge": _parted,
    **{name: _of_refunds(inputs) for name, inputs in REFUND_STEPS.items()},
    "update_case": _injury,
    "set_negotiation_limits": _limits,
    "replace_invoice_lines": _lines,
    "add_internal_note": _of("invoices", "invoiceId", body="Called"),
    "schedule_reminder": _reminder,
    "complete_reminder": _of("reminders", "reminderId", outcome="They pay"),
}
OTHER_NAMES = tuple(_INPUTS)
