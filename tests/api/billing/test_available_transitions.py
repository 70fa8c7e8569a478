"""The available transitions of an invoice are those that the domain allows, and exactly those that the mutations accept."""

from collections import Counter, defaultdict
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from db.global_ids import make_id
from domain.access.people import Role
from domain.api_names import camel
from domain.billing.invoices import GUARDS, Invoice
from domain.billing.next_steps import refusal_of
from domain.billing.transitions import TRANSITIONS
from resolvers.commands.transitions import _ALL_FACTS, invoice_of
from server.database_urls import DatabaseUrls
from tests.api.forms.invoice_kinds import add_kinds
from tests.conftest import SignIn
from tests.support.api.mutations import answered
from tests.support.api.records import today, uuid_of
from tests.support.api.scenarios import Clinic, mutation, selection
from tests.support.client import Client
from tests.support.databases import INVOICES, rows
from tests.support.owner_connection import ask

PAGE = """{ invoices(first: 500) { nodes { id status billedAmount payer { id } case { id }
    availableTransitions { name allowed blockedBy requires } } } }"""


@pytest.fixture(scope="module")
def all_invoices(clinic: Clinic, address: DatabaseUrls) -> list[UUID]:
    """Every invoice of the clinic: the demo's, and some in situations that the demo does not contain."""
    add_kinds(clinic)
    return [
        row["id"]
        for row in rows(address, "select id from invoices i join clinics using (clinic_id) where short_name = 'demo'")
    ]


def facts_of(address: DatabaseUrls, invoices: list[UUID]) -> dict[UUID, Invoice]:
    """The facts of invoices, read as the mutations read them."""

    async def read(connection: asyncpg.Connection) -> dict[UUID, Invoice]:
        clinic = await connection.fetchval("select clinic_id from clinics where short_name = 'demo'")
        return {row["id"]: invoice_of(dict(row)) for row in await connection.fetch(_ALL_FACTS, clinic, invoices)}

    found: dict[UUID, Invoice] = ask(address.owner, read)
    return found


def expected(invoice: Invoice, role: Role) -> list[dict[str, Any]]:
    """The available transitions by the domain's table and guards."""
    found = []
    for row in TRANSITIONS:
        if row.starts(invoice.status, role):
            guards = [GUARDS[name] for name in row.guards_for(role)]
            blocked = [refusal_of(guard, invoice) for guard in guards if not guard.holds(invoice, today())]
            step = {
                "name": row.name,
                "allowed": not blocked,
                "blockedBy": blocked,
                "requires": list(map(camel, row.required)),
            }
            found.append(step)
    return found


@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
def test_every_invoice_lists_the_transitions_that_the_domain_allows(
    sign_in: SignIn, address: DatabaseUrls, all_invoices: list[UUID], role: Role
) -> None:
    facts = facts_of(address, all_invoices)
    invoices = sign_in(role).read(PAGE)["invoices"]["nodes"]
    assert len(invoices) == len(facts) > INVOICES
    for invoice in invoices:
        assert invoice["availableTransitions"] == expected(facts[uuid_of(invoice["id"])], role)


def test_every_guard_that_staff_can_meet_holds_for_some_invoice_and_fails_for_another(
    address: DatabaseUrls, all_invoices: list[UUID]
) -> None:
    outcomes: dict[str, set[bool]] = defaultdict(set)
    for invoice in facts_of(address, all_invoices).values():
        for row in TRANSITIONS:
            for name in row.guards_for(Role.BILLING) if row.starts(invoice.status, Role.ADMIN) else ():
                outcomes[name].add(GUARDS[name].holds(invoice, today()))
    # No stored invoice lacks lines, no case of a paid invoice is open, and a small balance is due again before it is given up again.
    always = {"has_lines", "case_settled", "no_small_balance"}
    of_the_worker = {"condition_passed", "nothing_in_time"}
    assert {name for name, seen in outcomes.items() if seen == {True, False}} == set(GUARDS) - always - of_the_worker


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
def test_other_roles_cannot_query_available_transitions(sign_in: SignIn, role: Role) -> None:
    assert (
        "availableTransitions" in sign_in(role).refusals("{ invoices { nodes { availableTransitions { name } } } }")[0]
    )


ONE = "query ($id: ID!) { invoice(id: $id) { id status billedAmount payer { id } case { id } availableTransitions { name allowed } } }"


def allowed_now(client: Client, identity: str) -> tuple[Any, set[str]]:
    """An invoice, and the transitions that it lists as allowed."""
    invoice = client.read(ONE, id=identity)["invoice"]
    return invoice, {step["name"] for step in invoice["availableTransitions"] if step["allowed"]}


@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
@pytest.mark.parametrize("most", [3, pytest.param(1_000, marks=pytest.mark.prove)])
def test_the_mutations_accept_exactly_the_available_transitions(
    clinic: Clinic, all_invoices: list[UUID], role: Role, most: int
) -> None:
    """Each transition for at most so many kinds of invoices that list it, and as many that do not."""
    client = clinic.billing if role is Role.BILLING else clinic.admin
    kinds = defaultdict(list)
    for invoice in client.read(PAGE)["invoices"]["nodes"]:
        steps = tuple((step["name"], step["allowed"]) for step in invoice["availableTransitions"])
        kinds[invoice["status"], steps].append(invoice["id"])
    tried, so_far = 0, Counter[tuple[str, bool]]()
    for (_, steps), invoices in kinds.items():
        for row in TRANSITIONS:
            if role not in row.roles or so_far[row.name, (row.name, True) in steps] >= most:
                continue
            identity = invoices[tried % len(invoices)]
            invoice, now = allowed_now(client, identity)
            inputs = inputs_for(clinic, client, row.name, invoice, now)
            if inputs is not None:
                errors = answered(client, mutation(row.name), selection(row.name), **inputs)["errors"]
                assert (errors == []) == (row.name in now), (row.name, invoice, errors)
                assert not errors or errors[0]["__typename"] == "IllegalTransition"
                tried += 1
                so_far[row.name, row.name in now] += 1
    assert tried > 100


def inputs_for(clinic: Clinic, client: Client, name: str, invoice: Any, now: set[str]) -> dict[str, Any] | None:
    """An input for a transition; None where no input is valid.

    So it is without a cheque that could be returned, or whose return concerns another invoice that is paid, where the case ignores
    a closed invoice, and where the patient alone owed and has paid what was agreed.
    """
    is_of_others = name in ("settle_case", "close_case", "reopen_case") and invoice["status"] in ("VOID", "WRITTEN_OFF")
    is_covered = invoice["status"] in ("CHEQUE_RECEIVED", "PAID")
    if (
        is_covered
        and name in ("record_cheque", "allocate_cheque", "post_remittance")
        and clinic.payer_of(invoice) == invoice["payer"]["id"]
    ):
        return None
    if (
        name in now
        and name == "return_cheque"
        and _pays_paid(clinic, clinic.latest_cheque(invoice["id"]), invoice["id"])
    ):
        return None
    if is_of_others or (name == "return_cheque" and "return_cheque" not in now):
        return None
    if name == "post_remittance" and name not in now:
        # The claim waits with the reason; the remittance is not refused.
        return None
    if name in ("correct_cheque", "move_allocation"):
        query = """select c.id from cheques c join cheque_allocations a on a.cheque_id = c.id where a.invoice_id = $1
            and c.returned_on is null group by 1 having sum(a.amount) > 0 order by 1 desc limit 1"""
        found = rows(clinic.address, query, uuid_of(invoice["id"]))
        if not found or _pays_paid(clinic, make_id("Cheque", found[0]["id"]), invoice["id"]):
            # What pays nothing yet, or another invoice as well that is paid.
            return None
    scan = clinic.upload(client) if name == "record_cheque" else ""
    cheque = ""
    if name == "allocate_cheque":
        cheque = clinic.pays("1.00", {}, payerId=clinic.payer_of(invoice))["id"]
    return clinic.inputs(name, invoice, scan, cheque)


def _pays_paid(clinic: Clinic, cheque: str, invoice: str) -> bool:
    """Whether a cheque pays another invoice, too, that is paid."""
    query = """select from cheque_allocations a join invoices i on i.clinic_id = a.clinic_id and i.id = a.invoice_id
        where a.cheque_id = $1 and i.id <> $2 and i.status = 'paid'"""
    return rows(clinic.address, query, uuid_of(cheque), uuid_of(invoice)) != []
