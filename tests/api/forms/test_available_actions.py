"""An action that is allowed succeeds with the inputs that it asks for, and one that is not is refused: tried as an app that knows nothing."""

from collections import Counter
from typing import Any

import pytest

from domain.access.people import Role
from domain.billing.transitions import TRANSITIONS
from tests.conftest import SignIn
from tests.support.api.forms import FORM, FormUser, NothingToChooseError, beyond
from tests.support.api.invoice_kinds import add_kinds
from tests.support.api.scenarios import Clinic

PAGE = f"""query ($after: String) {{ invoices(first: 50, after: $after) {{ pageInfo {{ hasNextPage endCursor }}
    nodes {{ id status version payer {{ id }} case {{ id }} availableActions {{ {FORM} }} availableTransitions {{ name allowed }} }} }} }}"""
ONE = f"query ($id: ID!) {{ invoice(id: $id) {{ id status version payer {{ id }} case {{ id }} availableActions {{ {FORM} }} }} }}"


@pytest.fixture(scope="module")
def kinds(clinic: Clinic) -> None:
    """Invoices in situations that the demo does not contain."""
    add_kinds(clinic)


def all_invoices(user: FormUser) -> list[Any]:
    """Every invoice with its actions."""
    found: list[Any] = []
    page: dict[str, Any] = {"endCursor": None, "hasNextPage": True}
    while page["hasNextPage"]:
        answer = user.client.read(PAGE, after=page["endCursor"])["invoices"]
        found, page = found + answer["nodes"], answer["pageInfo"]
    return found


def context_of(invoice: Any) -> dict[str, Any]:
    """What an invoice gives to a form."""
    ids = {"invoiceId": invoice["id"], "caseId": invoice["case"]["id"]}
    return {**ids, "version": invoice["version"], "payer": invoice["payer"]["id"]}


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
@pytest.mark.parametrize("most", [3, pytest.param(1_000, marks=pytest.mark.prove)])
def test_an_allowed_action_succeeds_and_another_is_refused(clinic: Clinic, role: Role, most: int) -> None:
    """Each action of at most so many invoices that allow it, and as many that do not."""
    user = FormUser(clinic, clinic.billing if role is Role.BILLING else clinic.admin)
    tried, wrong = Counter[tuple[str, bool]](), []
    for listed in all_invoices(user):
        of_interest = (one for one in listed["availableActions"] if tried[one["name"], one["isAllowed"]] < most)
        for name in [action["name"] for action in of_interest]:
            invoice = user.client.read(ONE, id=listed["id"])["invoice"]
            action = next((one for one in invoice["availableActions"] if one["name"] == name), None)
            if action is None or tried[name, action["isAllowed"]] >= most:
                continue
            try:
                errors = user.sends(action, context_of(invoice))
            except NothingToChooseError:
                assert not action["isAllowed"], (name, invoice["status"])
                continue
            tried[name, action["isAllowed"]] += 1
            if (errors == []) != action["isAllowed"]:
                wrong.append((name, invoice["status"], action["isAllowed"], action["blockedBy"], errors, invoice["id"]))
    assert wrong == []
    names = {row.name.upper() for row in TRANSITIONS if role in row.roles}
    assert {name for name, is_allowed in tried if is_allowed} == names


@pytest.mark.usefixtures("kinds")
def test_a_value_beyond_its_bounds_is_refused(clinic: Clinic) -> None:
    user, tried = FormUser(clinic, clinic.billing), Counter[tuple[str, str]]()
    for invoice in all_invoices(user):
        for action in invoice["availableActions"]:
            for one in action["inputs"] if action["isAllowed"] else ():
                if one["kind"] != "AMOUNT" or tried[action["name"], one["name"]] >= 3:
                    continue
                for value in beyond(one):
                    errors = user.sends(action, context_of(invoice), **{one["name"]: value})
                    assert [error["path"][-1] for error in errors] == [one["name"]], (action["name"], value, errors)
                    tried[action["name"], one["name"]] += 1
    assert len(tried) >= 5


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
def test_other_roles_have_no_actions(sign_in: SignIn, role: Role) -> None:
    assert "availableActions" in sign_in(role).refusals("{ invoices { nodes { availableActions { name } } } }")[0]


@pytest.mark.usefixtures("kinds")
def test_a_blocked_settlement_names_every_open_invoice_of_the_case(clinic: Clinic) -> None:
    case = clinic.case()
    paid = clinic.agreed("10.00", case)
    others = {clinic.invoice("20.00", case), clinic.submitted("30.00", case)}
    clinic.pays("10.00", {paid: "10.00"})
    invoice = clinic.billing.read(ONE, id=paid)["invoice"]
    settle = next(one for one in invoice["availableActions"] if one["name"] == "SETTLE_CASE")
    (blocker,) = settle["blockedBy"]
    assert (blocker["code"], blocker["total"]) == ("CASE_COVERED", 2)
    assert {record["id"] for record in blocker["records"]} == others
