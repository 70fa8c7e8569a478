"""What an app learns of the API itself: labels of enum values, pruned per role, and the life cycle of invoices as data."""

from typing import Any

import pytest
from graphql import GraphQLEnumType

from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from domain.billing.transitions import TRANSITIONS
from schema.forms.labels import LABELS
from schema.whole import role_schemas
from tests.conftest import SignIn

_LABELS = "{ labels { name values { value label } } }"
_TRANSITIONS = """{ transitions { name mutation label explanation roles adminStart moves { fromStatus toStatus }
    inputs { name label explanation isRequired isList } } }"""


def labels_of(answer: Any) -> dict[str, dict[str, str]]:
    """The labels of an answer, by enum and value."""
    return {one["name"]: {row["value"]: row["label"] for row in one["values"]} for one in answer["labels"]}


@pytest.mark.parametrize("role", Role)
def test_a_role_gets_the_labels_of_the_values_that_it_sees(sign_in: SignIn, role: Role) -> None:
    found = labels_of(sign_in(role).read(_LABELS))
    enums = {name: enum for name, enum in role_schemas()[role].type_map.items() if isinstance(enum, GraphQLEnumType)}
    assert found == {
        name: {value: LABELS[name][value] for value in enum.values} for name, enum in enums.items() if name in LABELS
    }
    assert found["InvoiceStatus"]["PENDING_CHEQUE"] == LABELS["InvoiceStatus"]["PENDING_CHEQUE"]


def test_the_transitions_are_the_table_and_their_mutations_and_inputs_exist(sign_in: SignIn) -> None:
    found = {row["name"]: row for row in sign_in(Role.BILLING).read(_TRANSITIONS)["transitions"]}
    assert list(found) == [row.name for row in TRANSITIONS]
    schema = role_schemas()[Role.ADMIN]
    assert schema.mutation_type
    for row in TRANSITIONS:
        shown = found[row.name]
        assert (shown["label"], shown["roles"]) == (row.label, [role.name for role in Role if role in row.roles])
        legal = {(start, end) for start in InvoiceStatus if row.starts(start, None) for end in row.ends(start)}
        assert {(move["fromStatus"], move["toStatus"]) for move in shown["moves"]} == {
            (a.name, b.name) for a, b in legal
        }
        if shown["mutation"] is None:
            assert not row.roles
            continue
        asked = schema.mutation_type.fields[shown["mutation"]].args["input"].type
        fields = asked.of_type.fields
        assert {one["name"] for one in shown["inputs"]} <= set(fields)


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
def test_other_roles_do_not_see_the_transitions(sign_in: SignIn, role: Role) -> None:
    [message] = sign_in(role).refusals("{ transitions { name } }")
    assert "Cannot query field 'transitions'" in message
