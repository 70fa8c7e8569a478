"""The rhythm of an attorney's events tells nothing: each command makes one event if something visible has changed, and else none."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from db.global_ids import make_id
from db.pools import Database
from domain.access.people import Role
from domain.clock import now
from domain.remittances.remittance import RemittedClaim
from jobs.agreements import lapse_agreements
from server.database_urls import DatabaseUrls
from tests.api.remittances.remitting import claim, imported, number_of, payment, posted
from tests.conftest import SignIn
from tests.support.api.mutations import done
from tests.support.api.records import Found, find_records, today
from tests.support.api.scenarios import CHEQUE, TODAY, Clinic, age, allocations, line
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.subscriptions import InvoicePool, Listen, Received

_SEEN = """{ invoices(first: 500) { totalCount nodes { id number status createdOn serviceDate billedAmount payer { id name }
    case { id number dateOfInjury } patient { id name } physician { id } facility { id }
    lines { cptCode label units bilateral amount } } } cases(first: 500) { totalCount nodes { id } } patients { totalCount } }"""
_YESTERDAY = (today() - timedelta(days=1)).isoformat()
_COVERAGE = "coverage { id version }"


@pytest.fixture(scope="module")
def found(address: DatabaseUrls, invoice_pool: InvoicePool) -> Found:
    # The pool gives cases of the only clinic to the attorney, before there is another one.
    return find_records(address)


@pytest.fixture
def clinic(sign_in: SignIn, address: DatabaseUrls, found: Found) -> Clinic:
    return Clinic(sign_in(Role.BILLING), sign_in(Role.ADMIN), found, address)


@pytest.fixture
def attorney(sign_in: SignIn) -> Client:
    return sign_in(Role.ATTORNEY)


@pytest.fixture
def case(clinic: Clinic, address: DatabaseUrls) -> str:
    """A case that the attorney represents."""
    query = "select attorney_id from users where email = 'attorney@demo.example'"
    return clinic.case(attorneyId=make_id("Attorney", rows(address, query)[0][0]))


Watch = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def watched(listen: Listen, received: Received, attorney: Client) -> Watch:
    """Run a command; its events are one for each invoice of which something visible has changed."""

    def watch(command: Callable[[], Any]) -> Any:
        before = {node["id"]: node for node in attorney.read(_SEEN)["invoices"]["nodes"]}
        with listen(Role.ATTORNEY.value) as subscriber:
            made = command()
            [events] = received(subscriber)
        after = {node["id"]: node for node in attorney.read(_SEEN)["invoices"]["nodes"]}
        changed = sorted(node["number"] for identity, node in after.items() if node != before.get(identity))
        assert sorted(events) == changed
        return made

    return watch


async def _lapse(address: DatabaseUrls) -> None:
    async with Database(address.login) as database:
        assert await lapse_agreements(database, now) > 0


def _payer(clinic: Clinic, name: str) -> str:
    made: str = done(clinic.billing, "createPayer", "payer { id }", name=name, kind="INSURANCE")["id"]
    return made


def _cover(clinic: Clinic, case: str, payer: str) -> Any:
    terms = {"kind": "PIP", "limit": "100.00", "balanceBilling": "ALLOWED", "policyNumber": "POL-HIDDEN-77"}
    return done(clinic.billing, "addCoverage", _COVERAGE, caseId=case, payerId=payer, **terms)


def test_what_is_hidden_of_money_and_coverages_makes_no_event(clinic: Clinic, case: str, watched: Watch) -> None:
    invoice, payer = clinic.submitted("100.00", case), _payer(clinic, "Insurer of the rhythm")
    first = watched(lambda: _cover(clinic, case, payer))
    second = watched(lambda: _cover(clinic, case, payer))
    watched(lambda: done(clinic.billing, "verifyCoverage", _COVERAGE, coverageId=first["id"], reason="They said so"))
    watched(
        lambda: done(clinic.billing, "updateCoverage", _COVERAGE, coverageId=second["id"], version=1, limit="50.00")
    )
    to: dict[str, Any] = {"reason": "OTHER", "note": "As it happens"}
    watched(lambda: clinic.step("transferBalance", invoice, coverageId=first["id"], **to))
    watched(lambda: clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="MAIL"))
    # Another coverage of the same payer: nothing that the attorney sees.
    watched(lambda: clinic.step("transferBalance", invoice, coverageId=second["id"], **to))
    watched(
        lambda: done(clinic.billing, "closeCoverage", _COVERAGE, coverageId=first["id"], status="CLOSED", reason="Over")
    )
    part = allocations({invoice: "10.00"})
    part[0]["coverageId"] = second["id"]
    paid = clinic.cheque_of("10.00", {}, payerId=payer)
    cheque = watched(lambda: done(clinic.billing, "recordCheque", CHEQUE, **{**paid, "allocations": part}))
    watched(lambda: clinic.bounces(cheque["id"]))
    watched(lambda: clinic.step("recordDenial", invoice, deniedOn=TODAY, reasonCode="CO-50"))
    watched(lambda: clinic.step("setNegotiationLimits", invoice, floorAmount="1.00"))
    watched(lambda: clinic.step("addInternalNote", invoice, body="Called"))


def test_an_agreement_that_lapses_or_revives_with_a_payment_makes_no_event_of_its_own(
    clinic: Clinic, case: str, watched: Watch
) -> None:
    for received_on, amount in ((TODAY, "100.00"), (TODAY, "10.00"), (_YESTERDAY, "60.00"), (_YESTERDAY, "10.00")):
        invoice = clinic.submitted("100.00", case)
        clinic.step("requestReduction", invoice, amount="60.00")
        clinic.step("agreeReduction", invoice, conditionalUntil=TODAY)
        age(clinic.address, invoice)
        if received_on == _YESTERDAY:
            asyncio.run(_lapse(clinic.address))
        days: dict[str, Any] = {"chequeDate": received_on, "receivedOn": received_on}
        cheque = clinic.cheque_of(amount, {invoice: amount}, **days)
        watched(partial(done, clinic.billing, "recordCheque", CHEQUE, **cheque))


def test_a_replaced_invoice_makes_one_event_and_so_does_the_new_one(clinic: Clinic, case: str, watched: Watch) -> None:
    for billed in ("80.00", "120.00", "10.00"):
        invoice = clinic.submitted("100.00", case)
        clinic.pays("20.00", {invoice: "20.00"})
        clinic.pays("30.00", {invoice: "30.00"})
        lines = {"lines": [line(billed)], "reason": "Wrong", "confirmDuplicate": True}
        replace = partial(clinic.step, "replaceInvoice", invoice, clinic.admin, **lines)
        assert watched(replace)["id"] != invoice


def test_a_correction_or_a_move_makes_one_event_of_each_invoice_whose_status_it_changes(
    clinic: Clinic, case: str, watched: Watch
) -> None:
    first, second, third = (clinic.agreed("100.00", case) for _ in range(3))
    told: dict[str, Any] = {"reason": "A typing error"}
    cheque = clinic.pays("200.00", {first: "100.00", third: "100.00"})["id"]
    correct = partial(done, clinic.admin, "correctCheque", CHEQUE, **told)
    # The same at first, then other invoices, then less, and all of it again in two steps.
    for right in (
        {"number": "RHYTHM-1"},
        {"allocations": allocations({second: "100.00", third: "100.00"})},
        {"amount": "150.00", "allocations": allocations({second: "100.00", third: "50.00"})},
        {"amount": "300.00", "allocations": allocations({second: "100.00", third: "100.00", first: "100.00"})},
    ):
        cheque = watched(partial(correct, chequeId=cheque, **right))["id"]
    move = partial(done, clinic.billing, "moveAllocation", CHEQUE, **told)
    watched(partial(move, chequeId=cheque, invoiceId=first, amount="40.00"))
    watched(partial(move, chequeId=cheque, invoiceId=second, toInvoiceId=first, amount="40.00"))
    clinic.pays("40.00", {second: "40.00"})
    clinic.settles(case)
    # Of a settled case: nothing that is seen, and then all of its invoices are open again.
    cheque = watched(partial(correct, chequeId=cheque, number="RHYTHM-2"))["id"]
    less = allocations({second: "60.00", third: "10.00", first: "100.00"})
    watched(partial(correct, chequeId=cheque, allocations=less))


def test_a_remittance_makes_one_event_of_each_invoice_whose_status_it_changes(
    clinic: Clinic, case: str, watched: Watch
) -> None:
    own = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
    own.payer = _payer(clinic, "Insurer of the remittances")
    first, second = own.submitted("100.00", case), own.submitted("100.00", case)

    def sent(invoice: str, paid: str, *adjustments: str, **values: Any) -> RemittedClaim:
        return claim(
            number_of(own, invoice), "-100.00" if "status_code" in values else "100.00", paid, *adjustments, **values
        )

    for claims in (
        (sent(first, "60.00", "CO-45 40.00"), sent(second, "20.00", "PR-2 80.00")),
        (sent(first, "-60.00", "CO-45 -40.00", status_code="22"), sent(first, "100.00")),
        (
            sent(second, "80.00", "PR-2 20.00"),
            sent(first, "-100.00", status_code="22"),
            sent(first, "30.00", "PR-2 70.00"),
        ),
    ):
        came = watched(partial(imported, own, payment(*claims)))
        now = watched(partial(posted, own, came))
        assert (now["waitingCount"], now["postedCount"]) == (0, len(claims))
