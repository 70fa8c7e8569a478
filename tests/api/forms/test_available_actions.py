"""An action that is allowed succeeds with the inputs that it asks for, and one that is not is refused: tried as an app that knows nothing."""

from collections import Counter, defaultdict
from typing import Any

import pytest

from domain.access.people import Role
from domain.billing.transitions import TRANSITIONS
from tests.api.forms.form_user import FORM, FormUser, NothingToChooseError, beyond
from tests.api.forms.invoice_kinds import add_kinds
from tests.conftest import SignIn
from tests.support.api.scenarios import Clinic

PAGE = "{ invoices(first: 500) { nodes { id status availableActions { name isAllowed } } } }"
ONE = f"query ($id: ID!) {{ invoice(id: $id) {{ id status version payer {{ id }} case {{ id }} availableActions {{ {FORM} }} }} }}"


# What a form cannot know before it is filled in, so that the refusal asks for it: whether lines repeat others, and what was typed wrong.
ASKED_BY_REFUSALS: dict[str, dict[str, Any]] = {
    "REPLACE_INVOICE": {"confirmDuplicate": True},
    "CORRECT_CHEQUE": {"bank": "Another bank"},
}


@pytest.fixture
def kinds(clinic: Clinic) -> None:
    """Invoices in situations that the demo does not contain."""
    add_kinds(clinic)


def all_invoices(user: FormUser) -> list[Any]:
    """Every invoice with its actions, without their forms."""
    found: list[Any] = user.client.read(PAGE)["invoices"]["nodes"]
    return found


def with_forms(user: FormUser, invoice: Any) -> Any:
    """An invoice as it is now, with the forms of its actions."""
    return user.client.read(ONE, id=invoice["id"])["invoice"]


def context_of(invoice: Any) -> dict[str, Any]:
    """What an invoice gives to a form."""
    ids = {"invoiceId": invoice["id"], "caseId": invoice["case"]["id"]}
    return {**ids, "version": invoice["version"], "payer": invoice["payer"]["id"]}


def try_action(user: FormUser, invoice: Any, name: str) -> tuple[bool, list[Any] | None]:
    """Whether an action is allowed, and its errors; None where it is not offered, or where there is nothing to choose for it."""
    action = next((one for one in invoice["availableActions"] if one["name"] == name), None)
    if action is None:
        return False, None
    try:
        errors = user.sends(action, context_of(invoice), **ASKED_BY_REFUSALS.get(name, {}))
    except NothingToChooseError:
        assert not action["isAllowed"], (name, invoice["status"])
        return False, None
    return action["isAllowed"], errors


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize(
    ("role", "most"),
    [
        (Role.BILLING, 2),
        (Role.ADMIN, 1),
        *(pytest.param(role, 1_000, marks=pytest.mark.prove) for role in (Role.BILLING, Role.ADMIN)),
    ],
)
def test_an_allowed_action_succeeds_and_another_is_refused(clinic: Clinic, role: Role, most: int) -> None:
    """Each action of at most so many invoices that allow it, and as many that do not."""
    user = FormUser(clinic, clinic.billing if role is Role.BILLING else clinic.admin)
    listed: dict[tuple[str, bool], list[Any]] = defaultdict(list)
    for invoice in all_invoices(user):
        for action in invoice["availableActions"]:
            listed[action["name"], action["isAllowed"]].append(invoice)
    tried, wrong = Counter[tuple[str, bool]](), []
    # What few invoices allow comes first, before another action changes them.
    for name, is_listed in sorted(listed, key=lambda one: len(listed[one])):
        for invoice in listed[name, is_listed]:
            if tried[name, is_listed] >= most:
                break
            now = with_forms(user, invoice)
            is_allowed, errors = try_action(user, now, name)
            if errors is not None:
                tried[name, is_allowed] += 1
                if (errors == []) != is_allowed:
                    wrong.append((name, now["status"], is_allowed, errors, now["id"]))
    assert wrong == [], "\n".join(map(str, wrong))
    names = {row.name.upper() for row in TRANSITIONS if role in row.roles}
    assert {name for name, is_allowed in tried if is_allowed} == names


@pytest.mark.usefixtures("kinds")
def test_a_value_beyond_its_bounds_is_refused(clinic: Clinic) -> None:
    user, tried = FormUser(clinic, clinic.billing), Counter[tuple[str, str]]()
    kinds_of_invoices = {(one["status"], str(one["availableActions"])): one for one in all_invoices(user)}
    for invoice in (with_forms(user, one) for one in kinds_of_invoices.values()):
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
    invoice = with_forms(FormUser(clinic, clinic.billing), {"id": paid})
    settle = next(one for one in invoice["availableActions"] if one["name"] == "SETTLE_CASE")
    (blocker,) = settle["blockedBy"]
    assert (blocker["code"], blocker["total"]) == ("CASE_COVERED", 2)
    assert {record["id"] for record in blocker["records"]} == others


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize(
    ("role", "most"), [(Role.BILLING, 3), pytest.param(Role.ADMIN, 1_000, marks=pytest.mark.prove)]
)
@pytest.mark.parametrize(("root", "own"), [("cases", "caseId"), ("cheques", "chequeId")])
def test_an_allowed_action_of_a_case_or_a_payment_succeeds(
    clinic: Clinic, role: Role, most: int, root: str, own: str
) -> None:
    user = FormUser(clinic, clinic.billing if role is Role.BILLING else clinic.admin)
    page = f"{{ {root}(first: 400) {{ nodes {{ id availableActions {{ name isAllowed }} }} }} }}"
    one = f"query ($id: ID!) {{ node(id: $id) {{ ... on {own[0].upper()}{own[1:-2]} {{ id availableActions {{ {FORM} }} }} }} }}"
    tried = Counter[tuple[str, bool]]()
    for record in user.client.read(page)[root]["nodes"]:
        for listed in record["availableActions"]:
            if tried[listed["name"], listed["isAllowed"]] >= most:
                continue
            now = user.client.read(one, id=record["id"])["node"]
            action = next(each for each in now["availableActions"] if each["name"] == listed["name"])
            try:
                errors = user.sends(action, {own: record["id"]}, **ASKED_BY_REFUSALS.get(listed["name"], {}))
            except NothingToChooseError:
                assert not action["isAllowed"], (listed["name"], record)
                continue
            assert (errors == []) == action["isAllowed"], (listed["name"], record["id"], action["blockedBy"], errors)
            tried[listed["name"], action["isAllowed"]] += 1
    assert (
        {name for name, is_allowed in tried if is_allowed} >= {"CORRECT_CHEQUE"}
        if root == "cheques"
        else {"CLOSE_CASE"}
    )
