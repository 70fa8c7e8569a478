"""Decides that administrators, and nobody else, are told truly why a role sees something or does not."""

from itertools import product

import pytest
from click.testing import CliRunner

from domain.people import Role
from permissions.explaining import NO_ROWS, Explanation, Part, explain
from permissions.rows import ROWS, Reach
from permissions.rules import RULES
from resolvers.access import book_of
from schema.snapshots import name_of
from schema.whole import role_schemas
from server.cli import main
from tests.client import Client
from tests.conftest import SignIn
from tests.permissions.published import committed

EVERYBODY = (None, *Role)
BOOK = book_of(role_schemas()[Role.ADMIN])
EXPLAIN = """query ($role: Role!, $of: String!) { explainAccess(role: $role, coordinate: $of) {
    role coordinate visible rule words reason hiddenBy rows follows { coordinate visible rule words } } }"""


def why(role: Role | None, coordinate: str) -> Explanation:
    return explain(BOOK, role, coordinate)


@pytest.mark.parametrize("role", EVERYBODY, ids=name_of)
def test_what_is_explained_as_visible_is_what_the_committed_schema_of_the_role_has(role: Role | None) -> None:
    assert {name for name in BOOK.parts if why(role, name).visible} == committed(role)


def test_everything_that_there_is_can_be_explained() -> None:
    assert set(BOOK.parts) == committed(Role.ADMIN)


@pytest.mark.parametrize("role", EVERYBODY, ids=name_of)
def test_every_hidden_thing_is_hidden_by_its_rule_or_by_something_that_is_hidden(role: Role | None) -> None:
    for name, part in BOOK.parts.items():
        found = why(role, name)
        if found.visible:
            assert (found.hidden_by, all(each.visible for each in found.follows)) == ((), True)
            continue
        is_denied = isinstance(part.mark, str) and not RULES[part.mark].allows(role)
        is_lonely = found.reason.endswith("nothing that is visible leads to it")
        assert is_denied or found.hidden_by or is_lonely, name
        assert not is_denied or found.hidden_by == ()
        assert not set(found.hidden_by) & committed(role), name
        # Only types can be without anything that leads to them.
        assert not is_lonely or part.of is None, name


EXAMPLES: dict[tuple[Role | None, str], str] = {
    (Role.ATTORNEY, "Invoice.internalNotes"): "The rule negotiation does not allow it",
    (Role.ATTORNEY, "Invoice.number"): "The rule existence allows it",
    (Role.ATTORNEY, "InvoiceFilter.attorneyId"): "It follows what is hidden: Case.attorney, Attorney.id",
    (Role.ATTORNEY, "InvoiceFilter.caseId"): "Everything that it follows is visible: Invoice.case, Case.id",
    (Role.ATTORNEY, "InvoiceOrderField.BALANCE"): "It follows what is hidden: Invoice.balance",
    (Role.ATTORNEY, "AttorneyConnection.nodes"): "The rule signed_in would allow it, but its type Attorney is hidden",
    (
        Role.ATTORNEY,
        "Query.payers(first:)",
    ): "The rule signed_in would allow it, but it belongs to Query.payers, which is hidden",
    (Role.ATTORNEY, "OfferStatus"): "It has no rule of its own, and nothing of it is visible",
    (Role.PHYSICIAN, "PayerConnection"): "It has no rule of its own, and nothing that is visible leads to it",
    (Role.ATTORNEY, "IllegalTransition"): "The rule staff does not allow it",
    (None, "Query.viewer"): "The rule public allows it",
    (None, "Money"): "It has no rule of its own, and nothing that is visible leads to it",
    (Role.ANALYST, "Money"): "Something visible leads to it",
}


@pytest.mark.parametrize(("role", "coordinate"), EXAMPLES)
def test_why_is_said_in_one_sentence(role: Role | None, coordinate: str) -> None:
    assert why(role, coordinate).reason == EXAMPLES[role, coordinate]


def test_what_cannot_be_without_something_hidden_is_said_to_be_hidden_by_it() -> None:
    word, wanted = Part("staff", "Query.found"), Part("signed_in", "Query", None, ("Query.found(word:)",))
    parts = {"Query": Part(None), "Query.found": wanted, "Query.found(word:)": word}
    book = type(BOOK)(parts, {Role.ATTORNEY: frozenset({"Query"})}, {})
    found = explain(book, Role.ATTORNEY, "Query.found")
    assert found.hidden_by == ("Query.found(word:)",)
    assert found.reason.endswith("would allow it, but it cannot be without Query.found(word:), which is hidden")


REACHED: dict[tuple[Role, str], str | None] = {
    (Role.ATTORNEY, "Invoice.number"): Reach.REPRESENTED_NOT_VOID,
    (Role.ATTORNEY, "Query.invoices"): Reach.REPRESENTED_NOT_VOID,
    (Role.ATTORNEY, "Query.invoices(filter:)"): Reach.REPRESENTED_NOT_VOID,
    (Role.ATTORNEY, "Subscription.invoiceChanged"): Reach.REPRESENTED_NOT_VOID,
    (Role.PHYSICIAN, "Physician"): Reach.SELF,
    (Role.ANALYST, "Payer.name"): Reach.CLINIC,
    (Role.BILLING, "Mutation.voidInvoice"): None,
    (Role.ATTORNEY, "Invoice.internalNotes"): None,
    (Role.ATTORNEY, "InvoiceStatus.VOID"): None,
    (Role.ATTORNEY, "Viewer.name"): None,
}


@pytest.mark.parametrize(("role", "coordinate"), REACHED)
def test_which_rows_a_role_reaches_is_said_where_there_are_some(role: Role, coordinate: str) -> None:
    assert why(role, coordinate).rows == REACHED[role, coordinate]


@pytest.mark.parametrize("role", Role)
def test_whatever_a_role_sees_of_a_record_it_reaches_rows_of(role: Role) -> None:
    for name, table in BOOK.tables.items():
        if name in committed(role) and table in ROWS:
            assert why(role, name).rows not in (None, NO_ROWS), name


def test_an_administrator_is_told_why(sign_in: SignIn) -> None:
    asked = sign_in(Role.ADMIN).read(EXPLAIN, role="ATTORNEY", of="InvoiceFilter.attorneyId")["explainAccess"]
    hidden = {"rule": "staff", "words": RULES["staff"].words, "visible": False}
    seen = {"rule": "existence", "words": RULES["existence"].words, "visible": True}
    assert asked == {
        "role": "ATTORNEY",
        "coordinate": "InvoiceFilter.attorneyId",
        "visible": False,
        "rule": None,
        "words": "It follows Invoice.case, Case.attorney, Attorney.id: whoever sees all of that sees it",
        "reason": "It follows what is hidden: Case.attorney, Attorney.id",
        "hiddenBy": ["Case.attorney", "Attorney.id"],
        "rows": None,
        "follows": [
            {"coordinate": "Invoice.case", **seen},
            {"coordinate": "Case.attorney", **hidden},
            {"coordinate": "Attorney.id", **hidden},
        ],
    }


@pytest.mark.parametrize("role", [None, *(role for role in Role if role is not Role.ADMIN)], ids=name_of)
def test_nobody_else_can_ask_and_hears_of_no_rule(sign_in: SignIn, nobody: Client, role: Role | None) -> None:
    asking = sign_in(role) if role else nobody
    response = asking.post('{ explainAccess(role: ATTORNEY, coordinate: "Invoice.internalNotes") { rule } }')
    assert (response.status_code, response.json()["errors"][0]["message"]) == (
        400,
        "Cannot query field 'explainAccess' on type 'Query'.",
    )
    assert "negotiation" not in response.text


UNKNOWN = [
    "",
    "Nothing",
    "Invoice.",
    "Invoice.nothing",
    "Invoice.lines(nothing:)",
    "Query.invoices(filter)",
    "String",
    "__Type",
    "\x00",
    "é",
]


@pytest.mark.parametrize("coordinate", UNKNOWN)
def test_what_the_schema_does_not_have_is_refused_at_the_argument(sign_in: SignIn, coordinate: str) -> None:
    answer = sign_in(Role.ADMIN).ask(EXPLAIN, role="ATTORNEY", of=coordinate)
    assert answer["data"] is None
    [error] = answer["errors"]
    assert error["message"].startswith("Argument coordinate: is not in the schema; it is written as in Invoice")
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "coordinate"}
    assert error["path"] == ["explainAccess"]


def test_the_command_says_the_same(sign_in: SignIn) -> None:
    for role, name in product(
        (Role.ATTORNEY, Role.ANALYST), ("Invoice.balance", "PayerFilter.search", "Query.invoices", "Case")
    ):
        told = sign_in(Role.ADMIN).read(EXPLAIN, role=role.name, of=name)["explainAccess"]
        ran = CliRunner().invoke(main, ["explain", role.value, name])
        first, *lines = ran.output.splitlines()
        assert (ran.exit_code, first) == (0, f"{name} is {'visible to' if told['visible'] else 'hidden from'} {role}")
        assert lines[0] == f"reason   {told['reason']}"
        assert lines[1].endswith(told["words"])
        assert len([line for line in lines if line.startswith("follows  ")]) == len(told["follows"])
        assert [line for line in lines if line.startswith("rows ")] == (
            [f"rows     {told['rows']}"] if told["rows"] else []
        )


def test_the_command_refuses_what_there_is_not_and_speaks_of_nobody_too() -> None:
    ran = CliRunner().invoke(main, ["explain", "admin", "Invoice.nothing"])
    assert (ran.exit_code, "is not in the schema" in ran.output) == (1, True)
    assert CliRunner().invoke(main, ["explain", "nobody", "Invoice"]).output.startswith("Invoice is hidden from nobody")
