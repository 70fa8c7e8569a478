"""The explanation of access: only administrators can query why a role sees something or not, and the answer is true."""

from itertools import product

import pytest
from click.testing import CliRunner

from domain.access.people import Role
from permissions.explaining import NO_ROWS, Explanation, Part, explain
from permissions.rows import ROWS, Reach
from permissions.rules import RULES
from resolvers.explain_access import book_of
from schema.pages.snapshots import name_of
from schema.whole import role_schemas
from server.cli import main
from tests.conftest import SignIn
from tests.permissions.published import committed
from tests.support.client import Client

ROLES = (None, *Role)
BOOK = book_of(role_schemas()[Role.ADMIN])
EXPLAIN = """query ($role: Role!, $of: String!) { explainAccess(role: $role, coordinate: $of) {
    role coordinate visible rule words reason hiddenBy rows follows { coordinate visible rule words } } }"""


def why(role: Role | None, coordinate: str) -> Explanation:
    return explain(BOOK, role, coordinate)


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_the_committed_schema_of_a_role_has_exactly_what_is_explained_as_visible(role: Role | None) -> None:
    assert {name for name in BOOK.parts if why(role, name).visible} == committed(role)


def test_every_coordinate_of_the_schema_can_be_explained() -> None:
    # Analysts have one input that administrators do not have.
    assert set(BOOK.parts) == frozenset().union(*map(committed, Role))


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_every_hidden_member_is_hidden_by_its_rule_or_by_another_hidden_member(role: Role | None) -> None:
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
        # Only types can be without a field that leads to them.
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
    (Role.ATTORNEY, "OfferStatus"): "It has no rule of its own, and none of its members is visible",
    (Role.PHYSICIAN, "PayerConnection"): "It has no rule of its own, and nothing that is visible leads to it",
    (Role.ATTORNEY, "IllegalTransition"): "The rule staff does not allow it",
    (None, "Query.viewer"): "The rule public allows it",
    (None, "Money"): "It has no rule of its own, and nothing that is visible leads to it",
    (Role.ANALYST, "Money"): "Something visible leads to it",
}


@pytest.mark.parametrize(("role", "coordinate"), EXAMPLES)
def test_the_reason_is_one_sentence(role: Role | None, coordinate: str) -> None:
    assert why(role, coordinate).reason == EXAMPLES[role, coordinate]


def test_a_member_that_needs_a_hidden_one_is_explained_as_hidden_by_it() -> None:
    word, wanted = Part("staff", "Query.found"), Part("signed_in", "Query", None, ("Query.found(word:)",))
    parts = {"Query": Part(None), "Query.found": wanted, "Query.found(word:)": word}
    book = type(BOOK)(parts, {Role.ATTORNEY: frozenset({"Query"})}, {})
    found = explain(book, Role.ATTORNEY, "Query.found")
    assert found.hidden_by == ("Query.found(word:)",)
    assert found.reason.endswith("would allow it, but it requires Query.found(word:), which is hidden")


REACHED: dict[tuple[Role, str], str | None] = {
    (Role.ATTORNEY, "Invoice.number"): Reach.REPRESENTED_NOT_VOID,
    (Role.ATTORNEY, "Query.invoices"): Reach.REPRESENTED_NOT_VOID,
    (Role.ATTORNEY, "Query.invoices(filter:)"): Reach.REPRESENTED_NOT_VOID,
    (Role.ATTORNEY, "Subscription.invoiceChanged"): Reach.REPRESENTED_NOT_VOID,
    (Role.ATTORNEY, "Subscription.invoiceEvents"): Reach.REPRESENTED_NOT_VOID,
    (Role.PHYSICIAN, "Physician"): Reach.SELF,
    (Role.ANALYST, "Payer.name"): Reach.CLINIC,
    (Role.BILLING, "Mutation.voidInvoice"): None,
    (Role.ATTORNEY, "Invoice.internalNotes"): None,
    (Role.ATTORNEY, "InvoiceStatus.VOID"): None,
    (Role.ATTORNEY, "Viewer.name"): None,
}


@pytest.mark.parametrize(("role", "coordinate"), REACHED)
def test_the_explanation_of_a_record_names_the_rows_that_a_role_reaches(role: Role, coordinate: str) -> None:
    assert why(role, coordinate).rows == REACHED[role, coordinate]


@pytest.mark.parametrize("role", Role)
def test_a_role_reaches_rows_of_every_record_type_that_it_sees(role: Role) -> None:
    for name, table in BOOK.tables.items():
        if name in committed(role) and table in ROWS:
            assert why(role, name).rows not in (None, NO_ROWS), name


def test_an_administrator_reads_the_explanation(sign_in: SignIn) -> None:
    explanation = sign_in(Role.ADMIN).read(EXPLAIN, role="ATTORNEY", of="InvoiceFilter.attorneyId")["explainAccess"]
    hidden = {"rule": "staff", "words": RULES["staff"].words, "visible": False}
    seen = {"rule": "existence", "words": RULES["existence"].words, "visible": True}
    assert explanation == {
        "role": "ATTORNEY",
        "coordinate": "InvoiceFilter.attorneyId",
        "visible": False,
        "rule": None,
        "words": "It follows Invoice.case, Case.attorney, Attorney.id: a role that sees all of them sees it",
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
def test_other_roles_cannot_query_explanations_and_see_no_rule(
    sign_in: SignIn, anonymous: Client, role: Role | None
) -> None:
    client = sign_in(role) if role else anonymous
    response = client.post('{ explainAccess(role: ATTORNEY, coordinate: "Invoice.internalNotes") { rule } }')
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
def test_an_unknown_coordinate_is_refused_at_its_argument(sign_in: SignIn, coordinate: str) -> None:
    answer = sign_in(Role.ADMIN).ask(EXPLAIN, role="ATTORNEY", of=coordinate)
    assert answer["data"] is None
    [error] = answer["errors"]
    assert error["message"].startswith("Argument coordinate: is not in the schema; examples are Invoice")
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "coordinate"}
    assert error["path"] == ["explainAccess"]


def test_the_command_prints_the_same_explanation(sign_in: SignIn) -> None:
    for role, name in product(
        (Role.ATTORNEY, Role.ANALYST), ("Invoice.balance", "PayerFilter.search", "Query.invoices", "Case")
    ):
        answer = sign_in(Role.ADMIN).read(EXPLAIN, role=role.name, of=name)["explainAccess"]
        ran = CliRunner().invoke(main, ["explain", role.value, name])
        first, *lines = ran.output.splitlines()
        assert (ran.exit_code, first) == (0, f"{name} is {'visible to' if answer['visible'] else 'hidden from'} {role}")
        assert lines[0] == f"reason   {answer['reason']}"
        assert lines[1].endswith(answer["words"])
        assert len([line for line in lines if line.startswith("follows  ")]) == len(answer["follows"])
        assert [line for line in lines if line.startswith("rows ")] == (
            [f"rows     {answer['rows']}"] if answer["rows"] else []
        )


def test_the_command_refuses_an_unknown_coordinate_and_explains_anonymous_access_too() -> None:
    ran = CliRunner().invoke(main, ["explain", "admin", "Invoice.nothing"])
    assert (ran.exit_code, "is not in the schema" in ran.output) == (1, True)
    assert (
        CliRunner()
        .invoke(main, ["explain", "nobody", "Invoice"])
        .output.startswith("Invoice is hidden from anonymous callers")
    )
