"""A payment that was typed wrong and corrected later leaves every figure as if it had been typed right; what was reported stays reported."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.pools import Database
from imports.demo.seeded_random import SeededRandom
from jobs.agreements import lapse_agreements
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.api.reports.test_restated import FIRST, Clinic, begun, breaches, differences, present
from tests.domain.billing.books import FIRM, INSURER, PATIENT
from tests.domain.billing.mistyped import Done, Mistyped, Wrong, places_of
from tests.support.api.clinic_clock import ClinicClock, moment
from tests.support.api.mutations import done
from tests.support.api.recorded_histories import BILLED, Act, Ledgers, orders_of, random_plan
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import line
from tests.support.databases import rows


@dataclass
class Typist:
    """Records histories of invoices, each beside another invoice of the same payers, right or with mistakes that are corrected."""

    ledgers: Ledgers
    is_right: bool
    others: dict[int, str] = field(default_factory=dict)

    def begin(self, history: int) -> None:
        """A new invoice, and the other one, which both payers may pay."""
        self.ledgers.begin(history)
        client, payers = self.ledgers.client, self.ledgers.payers
        draft = {"caseId": self.ledgers.cases[history], "payerId": payers[INSURER], "confirmDuplicate": True}
        served_on = (self.ledgers.first_day - timedelta(days=30)).isoformat()
        large = {"lines": [line(f"9{BILLED}")], "serviceDate": served_on}
        other = done(client, "createInvoice", "invoice { id }", **large, **draft)["id"]
        today = self.ledgers.first_day.isoformat()
        done(client, "submitInvoice", "invoice { id }", invoiceId=other, submittedOn=today, method="FAX")
        to = {"payerId": payers[FIRM], "reason": "OTHER", "note": "As it is"}
        done(client, "transferBalance", "invoice { id }", invoiceId=other, **to)
        self.others[history] = other

    def send(self, history: int, trial: Mistyped, how: Done, on: int, act: Act) -> None:
        """Make a step of the script of a history."""
        if how is Done.CORRECTED:
            if not self.is_right:
                self._correct(history, trial, act)
        elif how is Done.WRONG:
            self._type(history, trial, on, act)
        elif how is Done.WRONG_RETURN and not self.is_right:
            self.ledgers.send(history, replace(act, happened=trial.returned), on)
        else:
            self.ledgers.send(history, act, on)

    def _type(self, history: int, trial: Mistyped, on: int, act: Act) -> None:
        wrong = Act(act.key, act.name, on, trial.values, trial.happened)
        if trial.wrong is Wrong.THIS_INVOICE:
            # The other payment, which is typed beside the step of the script.
            mistake = Act(-1, act.name, on, trial.values, trial.happened)
            self._send_to(history, mistake, on, self.others[history] if self.is_right else None)
        elif self.is_right:
            self.ledgers.send(history, act, on)
        else:
            is_elsewhere = trial.wrong is Wrong.OTHER_INVOICE
            self._send_to(history, wrong, on, self.others[history] if is_elsewhere else None)

    def _send_to(self, history: int, act: Act, on: int, invoice: str | None) -> None:
        own = self.ledgers.invoices[history]
        self.ledgers.invoices[history] = invoice or own
        self.ledgers.send(history, act, on)
        self.ledgers.invoices[history] = own

    def _correct(self, history: int, trial: Mistyped, act: Act) -> None:
        key = (history, -1 if trial.wrong is Wrong.THIS_INVOICE else act.key)
        right = {
            "chequeId": self.ledgers.cheques[key],
            "reason": "It was typed wrong",
            **self._right(history, trial, act),
        }
        self.ledgers.cheques[key] = done(self.ledgers.client, "correctCheque", "cheque { id }", **right)["id"]

    def _right(self, history: int, trial: Mistyped, act: Act) -> dict[str, Any]:
        own, amount = self.ledgers.invoices[history], str(act.values["amount"])
        if trial.wrong is Wrong.THIS_INVOICE:
            return {"allocations": [{"invoiceId": self.others[history], "amount": str(trial.values["amount"])}]}
        if trial.wrong is Wrong.OTHER_INVOICE:
            return {"allocations": [{"invoiceId": own, "amount": amount}]}
        day = (self.ledgers.first_day + timedelta(days=act.happened or 0)).isoformat()
        if trial.wrong is Wrong.RETURN:
            assert trial.return_act is not None
            return {"returnedOn": (self.ledgers.first_day + timedelta(trial.return_act.happened or 0)).isoformat()}
        right: dict[Wrong, dict[str, Any]] = {
            Wrong.NUMBER: {"number": f"right-{history}-{act.key}"},
            Wrong.AMOUNT: {"amount": amount, "allocations": [{"invoiceId": own, "amount": amount}]},
            Wrong.PAYER: {"payerId": self.ledgers.payers[act.values["payer"]]},
            Wrong.DAY: {"receivedOn": day, "chequeDate": day},
        }
        return right[trial.wrong]


def trials(wanted: int) -> list[Mistyped]:
    """Random histories with a mistake of each kind in turn, which is corrected after other steps."""
    found, seed = list[Mistyped](), 0
    while len(found) < wanted:
        seed += 1
        random, wrong = SeededRandom(seed), list(Wrong)[len(found) % len(Wrong)]
        _, plan = random_plan(seed, 24)
        order = orders_of(plan, seed, random.choice([1, 2]), tries=3)[-1]
        places = places_of(order, wrong)
        if not places:
            continue
        trial = Mistyped(order, place := random.choice(places), wrong, random)
        last = order[-1][0] + 5
        if trial.run(random.randint(place + 1, len(order))) and trial.finish(last) and trial.between:
            found.append(trial)
    return found


@pytest.fixture
def clinic(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Clinic]:
    with begun(postgres_server, template_database, orders=2) as found:
        yield found


def pass_days(clinic: Clinic, typists: list[Typist], histories: list[Mistyped]) -> tuple[int, dict[date, Any]]:
    """Record every history, right and wrong, day by day; the last day, and what was reported at the end of each."""
    reported, last = dict[date, Any](), max(on for trial in histories for on, _, _ in trial.script)
    for number in range(last + 1):
        day = FIRST + timedelta(days=number)
        clinic.clock.moment = moment(day)
        asyncio.run(_pass_night(clinic.address, clinic.clock))
        for typist in typists:
            for history, trial in enumerate(histories):
                if number == 0:
                    typist.begin(history)
                for on, how, act in trial.script:
                    if on == number:
                        clinic.clock.moment += timedelta(milliseconds=1)
                        typist.send(history, trial, how, on, act)
        reported[day] = clinic.report(day)
    return last, reported


async def _pass_night(address: DatabaseUrls, clock: ClinicClock) -> None:
    async with Database(address.login) as database:
        await lapse_agreements(database, clock)


_COUNTED = """select count(*) filter (where c.corrected_at is not null) as corrected, count(*) filter (where c.returned_on is not null
    and c.corrected_at is null) as returned, coalesce(sum(c.unapplied_amount), 0) as unapplied from cheques c
    join payers p on p.id = c.payer_id where p.id = any($1)"""


def _check(clinic: Clinic, wanted: int) -> None:
    histories = trials(wanted)
    typists = [Typist(ledgers, place == 0) for place, ledgers in enumerate(clinic.ledgers)]
    last, reported = pass_days(clinic, typists, histories)
    right, wrong = typists
    for history, trial in enumerate(histories):
        of_right, of_wrong = (present(clinic, one.ledgers, history) for one in typists)
        assert of_right == of_wrong, (trial.wrong, history)
        other = [rows(clinic.address, _OTHER, uuid_of(one.others[history]))[0] for one in typists]
        assert tuple(other[0]) == tuple(other[1]), (trial.wrong, history)
    for number in range(last + 1):
        day = FIRST + timedelta(days=number)
        assert differences(clinic.report(day), reported[day]) == [], day
        assert differences(clinic.restated(wrong.ledgers, day), clinic.restated(right.ledgers, day)) == [], day
    counted = [dict(rows(clinic.address, _COUNTED, _payers(one.ledgers))[0]) for one in typists]
    assert [one.pop("corrected") for one in counted] == [0, len(histories)]
    assert counted[0] == counted[1]
    assert breaches(clinic.address) == set()


_OTHER = "select status, received_amount, balance, fully_paid_on from invoices where id = $1"


def _payers(ledgers: Ledgers) -> list[UUID]:
    return [uuid_of(one) for payer, one in ledgers.payers.items() if payer in (INSURER, FIRM, PATIENT)]


def test_histories_with_corrected_payments_have_the_figures_of_those_that_were_typed_right(clinic: Clinic) -> None:
    _check(clinic, 12)


@pytest.mark.prove
def test_hundreds_of_histories_with_corrected_payments_have_the_same_figures(clinic: Clinic) -> None:
    _check(clinic, 600)
