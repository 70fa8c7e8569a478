"""That what an invoice says to be possible now is what the domain says, and what the mutations then accept."""

import asyncio
from collections import defaultdict
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from domain.invoices import GUARDS, Invoice, InvoiceStatus
from domain.people import Role
from domain.transitions import TRANSITIONS
from resolvers.transitions import _ALL_FACTS, invoice_of
from server.addresses import Address
from tests.api.lives import Clinic, mutation, selection
from tests.api.records import today, uuid_of
from tests.api.steps import answered
from tests.client import Client
from tests.conftest import SignIn
from tests.databases import INVOICES, rows

PAGE = """{ invoices(first: 500) { nodes { id status billedAmount payer { id } case { id }
    availableTransitions { name allowed blockedBy requires } } } }"""


@pytest.fixture(scope="module")
def everything(clinic: Clinic, address: Address) -> list[UUID]:
    """Every invoice of the clinic: the demo's, and some for what never happens there."""
    clinic.invoice()
    partly = clinic.agreed()
    clinic.pays("10.00", {partly: "10.00"})
    clinic.in_state(InvoiceStatus.CHEQUE_RECEIVED)
    bounced = clinic.agreed()
    clinic.bounces(clinic.pays("10.00", {bounced: "10.00"})["id"])
    for name in ("reopenReduction", "declineReduction"):
        clinic.step(name, bounced, reason="For a void that is too late")
    return [
        row["id"]
        for row in rows(address, "select id from invoices i join clinics using (clinic_id) where short_name = 'demo'")
    ]


def facts_of(address: Address, invoices: list[UUID]) -> dict[UUID, Invoice]:
    """What the domain knows of invoices, read as the mutations read it."""

    async def read() -> dict[UUID, Invoice]:
        connection = await asyncpg.connect(address.owner)
        try:
            clinic = await connection.fetchval("select clinic_id from clinics where short_name = 'demo'")
            return {row["id"]: invoice_of(dict(row)) for row in await connection.fetch(_ALL_FACTS, clinic, invoices)}
        finally:
            await connection.close()

    return asyncio.run(read())


def expected(invoice: Invoice, role: Role) -> list[dict[str, Any]]:
    """What the domain's table and guards say of an invoice."""
    found = []
    for row in TRANSITIONS:
        if row.starts(invoice.status, role):
            blocked = [GUARDS[name].words for name in row.guards if not GUARDS[name].holds(invoice, today())]
            step = {"name": row.name, "allowed": not blocked, "blockedBy": blocked, "requires": list(row.requires)}
            found.append(step)
    return found


@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
def test_every_invoice_says_what_the_domain_says(
    sign_in: SignIn, address: Address, everything: list[UUID], role: Role
) -> None:
    facts = facts_of(address, everything)
    said = sign_in(role).read(PAGE)["invoices"]["nodes"]
    assert len(said) == len(facts) > INVOICES
    for invoice in said:
        assert invoice["availableTransitions"] == expected(facts[uuid_of(invoice["id"])], role)


def test_every_guard_that_staff_can_meet_holds_somewhere_and_somewhere_not(
    address: Address, everything: list[UUID]
) -> None:
    outcomes: dict[str, set[bool]] = defaultdict(set)
    for invoice in facts_of(address, everything).values():
        for row in TRANSITIONS:
            for name in row.guards if row.starts(invoice.status, Role.ADMIN) else ():
                outcomes[name].add(GUARDS[name].holds(invoice, today()))
    # No stored invoice lacks lines or bills nothing, and no case of a paid invoice is open.
    always = {"has_lines", "billed", "case_settled"}
    assert {name for name, seen in outcomes.items() if seen == {True, False}} == set(GUARDS) - always - {
        "condition_passed"
    }


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
def test_nobody_but_staff_can_ask_what_is_possible(sign_in: SignIn, role: Role) -> None:
    assert (
        "availableTransitions" in sign_in(role).refusals("{ invoices { nodes { availableTransitions { name } } } }")[0]
    )


ONE = "query ($id: ID!) { invoice(id: $id) { id status billedAmount payer { id } case { id } availableTransitions { name allowed } } }"


def possible(client: Client, identity: str) -> tuple[Any, set[str]]:
    """An invoice, and what it says to be possible now."""
    invoice = client.read(ONE, id=identity)["invoice"]
    return invoice, {step["name"] for step in invoice["availableTransitions"] if step["allowed"]}


@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
def test_what_is_said_to_be_possible_is_accepted_and_nothing_else(
    clinic: Clinic, everything: list[UUID], role: Role
) -> None:
    client = clinic.billing if role is Role.BILLING else clinic.admin
    kinds = defaultdict(list)
    for invoice in client.read(PAGE)["invoices"]["nodes"]:
        steps = tuple((step["name"], step["allowed"]) for step in invoice["availableTransitions"])
        kinds[invoice["status"], steps].append(invoice["id"])
    tried = 0
    for invoices in kinds.values():
        for row in TRANSITIONS:
            if role not in row.roles or not invoices:
                continue
            identity = invoices[tried % len(invoices)]
            invoice, now = possible(client, identity)
            given = given_for(clinic, client, row.name, invoice, now)
            if given is not None:
                errors = answered(client, mutation(row.name), selection(row.name), **given)["errors"]
                assert (errors == []) == (row.name in now), (row.name, invoice, errors)
                assert not errors or errors[0]["__typename"] == "IllegalTransition"
                tried += 1
    assert tried > 100


def given_for(clinic: Clinic, client: Client, name: str, invoice: Any, now: set[str]) -> dict[str, Any] | None:
    """An input for a step; None where no cheque stands that could come back, or a closed invoice is not what its case asks for."""
    is_of_others = name in ("settle_case", "reopen_case") and invoice["status"] in ("VOID", "WRITTEN_OFF")
    if is_of_others or (name == "return_cheque" and "return_cheque" not in now):
        return None
    scan = clinic.upload(client) if name == "record_cheque" else ""
    cheque = ""
    if name == "allocate_cheque":
        cheque = clinic.pays("1.00", {}, payerId=invoice["payer"]["id"])["id"]
    return clinic.inputs(name, invoice, scan, cheque)
