"""A change of attorney by its day: who sees the case before, on and after it, what is shown of it, and which figures move."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from db.pools import Database
from db.verify import Breach
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.support.api.assembled_server import assembled, served
from tests.support.api.clinic_clock import ClinicClock, moment
from tests.support.api.mutations import done, refused
from tests.support.api.records import find_records, nothing_changes, uuid_of
from tests.support.api.represented_clinic import CASE, ITEMS, START, RepresentedClinic, day
from tests.support.api.scenarios import broken_laws
from tests.support.api.sign_in_attempts import add_account
from tests.support.client import Client
from tests.support.databases import copied, rows


def _account(address: DatabaseUrls, attorney: str) -> str:
    account = add_account(address)
    identity = uuid_of(attorney)
    rows(address, "update users set role = 'attorney', attorney_id = $2 where id = $1", account.id, identity)
    return account.email


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[RepresentedClinic]:
    with ExitStack() as stack:
        address = stack.enter_context(copied(postgres_server, template_database))
        clock = ClinicClock()
        clock.moment = moment(START)
        url = stack.enter_context(served(assembled(Database(address.login), clock=clock)))
        anonymous = stack.enter_context(Client(url))

        def signed_in(email: str) -> Client:
            return stack.enter_context(anonymous.signed_in(email))

        billing, admin = signed_in("billing@demo.example"), signed_in("admin@demo.example")
        made = [
            done(billing, "createAttorney", "attorney { id lawFirm { id } }", name=f"{name} Law", firm=f"{name} & Co")
            for name in ("Ada", "Bea")
        ]
        payers = [
            done(
                billing, "createPayer", "payer { id }", name=f"Payer {n}", kind="ATTORNEY", firmId=one["lawFirm"]["id"]
            )
            for n, one in enumerate(made)
        ]
        ada, bea = (one["id"] for one in made)
        clients = signed_in(_account(address, ada)), signed_in(_account(address, bea))
        first, second = (one["id"] for one in payers)
        world = RepresentedClinic(
            billing, admin, find_records(address), address, clock, (ada, bea), clients, (first, second)
        )
        world.payer = first
        yield world


@pytest.fixture
def case(world: RepresentedClinic) -> str:
    """A case of the first attorney with a submitted invoice, whose payer is her firm."""
    identity = world.case(attorneyId=world.lawyers[0], openedOn=day(-20))
    invoice = world.invoice("1000.00", identity)
    world.step("submitInvoice", invoice, submittedOn=day(0), method="EMAIL")
    return identity


def _invoice_of(world: RepresentedClinic, case: str) -> str:
    query = "query ($id: ID!) { case(id: $id) { invoices { nodes { id } } } }"
    [node] = world.billing.read(query, id=case)["case"]["invoices"]["nodes"]
    identity: str = node["id"]
    return identity


def _assign(world: RepresentedClinic, case: str, attorney: str | None, on: str | None = None) -> Any:
    given = {"effectiveOn": on} if on else {}
    return done(world.billing, "assignAttorney", CASE, caseId=case, attorneyId=attorney, **given)


def test_access_moves_at_midnight_in_the_clinic_of_a_future_day(world: RepresentedClinic, case: str) -> None:
    ada, bea = world.lawyers
    assigned = _assign(world, case, bea, day(3))
    assert assigned["attorney"] == {"id": ada}
    change = assigned["attorneyChange"]
    assert (change["attorney"], change["effectiveOn"], change["requestedBy"]["name"]) == (
        {"id": bea},
        day(3),
        "Bill Ingfield",
    )
    assert assigned["representations"] == [{"attorney": {"id": ada}, "fromOn": day(-20), "untilOn": None}]
    for number, hour, minute in ((0, 12, 0), (2, 23, 59)):
        world.come(number, hour, minute)
        assert (world.work(), world.see(case)) == (0, (True, False))
    world.come(3, 0, 0)
    assert (world.work(), world.see(case)) == (1, (False, True))
    assert (world.work(), world.see(case)) == (0, (False, True))
    assert world.look_at(case) == {
        "id": case,
        "attorney": {"id": bea},
        "representations": [
            {"attorney": {"id": ada}, "fromOn": day(-20), "untilOn": day(3)},
            {"attorney": {"id": bea}, "fromOn": day(3), "untilOn": None},
        ],
        "attorneyChange": None,
    }
    assert _breaches(world) == ()


def _breaches(world: RepresentedClinic) -> tuple[Breach, ...]:
    # The law of the fixtures' own foreign clinic and counter is not of this test.
    return tuple(breach for breach in broken_laws(world.address) if breach.law.kind in ("Case", "Attorney"))


def test_after_an_outage_a_change_counts_from_its_day_and_access_moves_when_the_worker_runs(
    world: RepresentedClinic, case: str
) -> None:
    ada, bea = world.lawyers
    _assign(world, case, bea, day(2))
    world.come(5)
    assert world.see(case) == (True, False)
    assert (world.work(), world.see(case)) == (1, (False, True))
    assert [(r["attorney"]["id"], r["fromOn"], r["untilOn"]) for r in world.look_at(case)["representations"]] == [
        (ada, day(-20), day(2)),
        (bea, day(2), None),
    ]
    assert _breaches(world) == ()


def test_a_pending_change_is_replaced_and_cancelled(world: RepresentedClinic, case: str) -> None:
    _, bea = world.lawyers
    first = _assign(world, case, bea, day(3))["attorneyChange"]["id"]
    second = _assign(world, case, None, day(5))["attorneyChange"]
    assert (second["attorney"], second["effectiveOn"], second["id"] != first) == (None, day(5), True)
    world.come(4)
    assert (world.work(), world.see(case)) == (0, (True, False))
    assert done(world.billing, "cancelAttorneyChange", CASE, caseId=case)["attorneyChange"] is None
    assert refused(world.billing, "cancelAttorneyChange", CASE, caseId=case)["code"] == "CONFLICT"
    world.come(6)
    assert (world.work(), world.see(case)) == (0, (True, False))
    query = "select status, ended_by is not null as by from attorney_changes where case_id = $1 order by status desc"
    ended = [tuple(row) for row in rows(world.address, query, uuid_of(case))]
    assert ended == [("replaced", True), ("cancelled", True)]
    assert _assign(world, case, bea)["attorney"] == {"id": bea}


def test_an_immediate_change_leaves_a_pending_one_to_somebody_else_and_replaces_one_to_the_same(
    world: RepresentedClinic, case: str
) -> None:
    _, bea = world.lawyers
    _assign(world, case, bea, day(3))
    assert _assign(world, case, None)["attorneyChange"]["attorney"] == {"id": bea}
    assert world.see(case) == (False, False)
    assert _assign(world, case, bea)["attorneyChange"] is None
    world.come(3)
    assert (world.work(), world.see(case)) == (0, (False, True))
    assert refused(world.billing, "assignAttorney", CASE, caseId=case, attorneyId=bea, effectiveOn=day(9))["code"] == (
        "CONFLICT"
    )


@pytest.mark.parametrize(
    ("on", "message"), [("2026-01-04", "must not be before the date of injury"), (day(91), "more than 90 days ahead")]
)
def test_a_day_that_cannot_be_is_refused_and_changes_nothing(
    world: RepresentedClinic, case: str, on: str, message: str
) -> None:
    with nothing_changes(world.address):
        values = {"caseId": case, "attorneyId": world.lawyers[1], "effectiveOn": on}
        error = refused(world.billing, "assignAttorney", CASE, **values)
    assert (error["path"], message in error["message"]) == (["input", "effectiveOn"], True)


def test_a_past_day_moves_the_periods_and_the_figures_but_no_access_before_now(
    world: RepresentedClinic, case: str
) -> None:
    ada, bea = world.lawyers
    invoice = _invoice_of(world, case)
    world.come(2)
    world.step("requestReduction", invoice, amount="600.00")
    world.step("agreeReduction", invoice)
    world.come(4)
    assert world.reductions() == {ada: "400.00"}
    assert world.see(case) == (True, False)
    assigned = _assign(world, case, bea, day(1))
    assert [(r["attorney"]["id"], r["fromOn"], r["untilOn"]) for r in assigned["representations"]] == [
        (ada, day(-20), day(1)),
        (bea, day(1), None),
    ]
    assert world.see(case) == (False, True)
    assert world.reductions() == {bea: "400.00"}
    # What was known on an earlier day stays.
    assert world.reductions(day(3)) == world.reductions(day(2)) == {ada: "400.00"}
    assert world.reductions(day(4)) == {bea: "400.00"}
    assert _breaches(world) == ()


def test_reductions_go_by_the_attorney_of_the_day_of_the_agreement(world: RepresentedClinic, case: str) -> None:
    ada, bea = world.lawyers
    invoice = _invoice_of(world, case)
    world.step("requestReduction", invoice, amount="600.00")
    world.come(1)
    world.step("agreeReduction", invoice)
    world.come(2)
    _assign(world, case, bea)
    # The invoice is the second attorney's now, the agreement was made with the first.
    assert world.reductions() == {ada: "400.00"}
    late = world.invoice("500.00", case)
    world.step("submitInvoice", late, submittedOn=day(2), method="EMAIL")
    world.step("requestReduction", late, amount="300.00")
    world.step("agreeReduction", late)
    assert world.reductions() == {ada: "400.00", bea: "200.00"}
    _assign(world, case, None)
    assert world.reductions() == {ada: "400.00"}


def test_the_balances_that_the_former_firm_owes_are_action_items_until_somebody_else_pays(
    world: RepresentedClinic, case: str
) -> None:
    _, bea = world.lawyers
    invoice, paid_by_other = _invoice_of(world, case), world.found.own["Payer"]
    draft: dict[str, Any] = {
        "caseId": case,
        "payerId": paid_by_other,
        "serviceDate": "2026-03-02",
        "lines": [{"code": "A4556"}],
    }
    draft |= {"confirmDuplicate": True}
    done(world.billing, "createInvoice", "invoice { id }", **draft)

    def items() -> list[tuple[str, str]]:
        nodes = world.billing.read(ITEMS)["actionItems"]["nodes"]
        mine = [one for one in nodes if one["kind"] == "REPRESENTATION_ENDED" and one["invoice"]["id"] == invoice]
        return [(one["dueOn"], one["subject"]) for one in mine]

    assert (items(), world.owed_by_former_firm(case)) == ([], [])
    _assign(world, case, bea, day(2))
    assert (items(), world.owed_by_former_firm(case)) == ([], [])
    world.come(2)
    world.work()
    assert [due for due, _ in items()] == [day(2)]
    assert world.owed_by_former_firm(case) == [uuid_of(invoice)]
    # Back with another attorney of the firm: it represents the case again.
    other = done(world.billing, "createAttorney", "attorney { id }", name="Third", firm="Ada & Co")["id"]
    world.come(3)
    _assign(world, case, other)
    assert (items(), world.owed_by_former_firm(case)) == ([], [])
    world.come(4)
    _assign(world, case, None)
    assert [due for due, _ in items()] == [day(4)]
    values = {"invoiceId": invoice, "payerId": paid_by_other, "reason": "The firm is out"}
    done(world.billing, "changePayer", "invoice { id }", **values)
    assert (items(), world.owed_by_former_firm(case)) == ([], [])


def test_all_balances_of_the_former_firm_are_transferred_in_one_step_and_agreements_are_kept(
    world: RepresentedClinic, case: str
) -> None:
    _, bea = world.lawyers
    agreed = _invoice_of(world, case)
    for name, values in (("requestReduction", {"amount": "20.00"}), ("agreeReduction", {})):
        billed = done(world.billing, name, "invoice { payer { id } serviceDate }", invoiceId=agreed, **values)
    draft = {"caseId": case, "payerId": billed["payer"]["id"], "lines": [{"code": "A4556"}], "confirmDuplicate": True}
    new = done(world.billing, "createInvoice", "invoice { id }", serviceDate=billed["serviceDate"], **draft)["id"]
    _assign(world, case, bea)
    assert sorted(world.owed_by_former_firm(case)) == sorted(map(uuid_of, (new, agreed)))
    payer = world.found.own["Payer"]
    of = {"caseId": case, "payerId": payer, "keepAgreements": True, "note": "Bea & Co honours it"}
    done(world.billing, "transferFromFormerFirm", "case { id }", **of)
    assert world.owed_by_former_firm(case) == []
    query = """query ($id: ID!) { invoice(id: $id) { status agreedAmount payer { id } history { transition }
        responsibilities { reason note } } }"""
    moved = [world.billing.read(query, id=one)["invoice"] for one in (new, agreed)]
    assert [(one["status"], one["agreedAmount"], one["history"][-1]["transition"]) for one in moved] == [
        ("PENDING_INVOICE", None, "change_payer"),
        ("PENDING_CHEQUE", "20.00", "transfer_balance"),
    ]
    assert {one["payer"]["id"] for one in moved} == {payer}
    assert moved[1]["responsibilities"][-1] == {"reason": "REPRESENTATION_ENDED", "note": "Bea & Co honours it"}
    # Nothing is left to move, which is said.
    error = refused(world.billing, "transferFromFormerFirm", "case { id }", **of)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "caseId"])
    assert "owes an open invoice of it: transfer the balance of one invoice (transferBalance)" in error["message"]
    assert [world.billing.read(query, id=one)["invoice"] for one in (new, agreed)] == moved
    assert _breaches(world) == ()


def test_a_firm_that_is_found_never_to_have_represented_the_case_is_listed_from_the_day_of_the_finding(
    world: RepresentedClinic, case: str
) -> None:
    _, bea = world.lawyers
    _assign(world, case, bea, day(-30))
    nodes = world.billing.read(ITEMS)["actionItems"]["nodes"]
    invoice = _invoice_of(world, case)
    # Some items are of a payment, and have no invoice.
    assert [(one["kind"], one["dueOn"]) for one in nodes if (one["invoice"] or {}).get("id") == invoice] == [
        ("REPRESENTATION_ENDED", day(0))
    ]
    assert world.owed_by_former_firm(case) == [uuid_of(invoice)]


def test_an_attorney_to_whom_a_case_is_to_change_and_the_firm_are_not_retired(
    world: RepresentedClinic, case: str
) -> None:
    bea = world.lawyers[1]
    firm = world.billing.read("query ($id: ID!) { node(id: $id) { ... on Attorney { lawFirm { id } } } }", id=bea)
    _assign(world, case, bea, day(3))
    for name, inputs in (
        ("retireAttorney", {"attorneyId": bea}),
        ("updateAttorney", {"attorneyId": bea, "active": False}),
        ("retireFirm", {"firmId": firm["node"]["lawFirm"]["id"]}),
    ):
        record = "firm { id }" if name == "retireFirm" else "attorney { id }"
        error = refused(world.billing, name, record, **inputs)
        assert (error["code"], "cancelAttorneyChange" in error["message"]) == ("CONFLICT", True), name
    done(world.billing, "cancelAttorneyChange", CASE, caseId=case)
    assert done(world.billing, "retireAttorney", "attorney { id active }", attorneyId=bea)["active"] is False


def test_the_worker_records_its_change_in_the_audit_log_once(world: RepresentedClinic, case: str) -> None:
    _assign(world, case, world.lawyers[1], day(1))
    world.come(1)
    assert [world.work() for _ in range(3)] == [1, 0, 0]
    events = rows(world.address, "select role, user_id from audit_events where operation = 'applyAttorneyChange'")
    assert [tuple(row) for row in events] == [("worker", None)]


def test_concurrent_workers_apply_each_change_once(world: RepresentedClinic, case: str) -> None:
    ada, bea = world.lawyers
    other = world.case(attorneyId=ada, openedOn=day(-9))
    for each in (case, other):
        _assign(world, each, bea, day(1))
    world.come(1)
    assert world.work(workers=3) == 2
    query = "select count(*) from representations where case_id = any($1::uuid[])"
    assert rows(world.address, query, [uuid_of(case), uuid_of(other)])[0][0] == 4
    assert _breaches(world) == ()


def test_the_attorney_who_comes_learns_nothing_of_it_before_the_day(world: RepresentedClinic, case: str) -> None:
    for client in world.clients:
        for field in ("attorneyChange { id }", "representations { id }", "attorney { id }"):
            assert client.refusals(f"query ($id: ID!) {{ case(id: $id) {{ {field} }} }}", id=case) != []
