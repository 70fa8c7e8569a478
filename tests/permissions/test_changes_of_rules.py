"""Decides that a field is hidden by one line, that nothing is added without a rule, and that what changes for a role is named."""

from pathlib import Path
from typing import Any

import pytest

from domain.people import Role
from schema.snapshots import file_of, name_of
from schema.whole import sdl
from server.addresses import Address
from tests.permissions.changed_code import Copy, worked_example
from tests.permissions.comparing import appeared, breaking

EVERYBODY = (None, *Role)
FIELD = '    service_date: date = shown("existence", "The day of treatment.")'


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy.into(tmp_path)


def gone(before: Any, after: Any) -> tuple[set[str], dict[str, set[str]]]:
    """What a role was served and is not any more, and the columns that it could read."""
    columns = {table: set(names) - set(after[1].get(table, ())) for table, names in before[1].items()}
    return set(before[0]) - set(after[0]), {table: names for table, names in columns.items() if names}


def test_one_line_hides_a_field_with_its_filters_its_order_and_its_grant_as_the_example_says(copy: Copy) -> None:
    path, before, after = worked_example()
    assert before == FIELD
    untouched = copy.rights()
    copy.change(path, before, after)
    changed = copy.rights()
    lost = {"Invoice.serviceDate", "InvoiceFilter.serviceFrom", "InvoiceFilter.serviceTo"}
    lost.add("InvoiceOrderField.SERVICE_DATE")
    # Analysts may still have ages counted from that day.
    grants: dict[Role, dict[str, set[str]]] = {Role.ATTORNEY: {"invoices": {"service_date"}}, Role.ANALYST: {}}
    for role in Role:
        expected = (lost, grants[role]) if role in grants else (set(), {})
        assert gone(untouched[role], changed[role]) == expected
        assert gone(changed[role], untouched[role]) == (set(), {})


UNRULED = {
    "a field": ("schema/invoices.py", FIELD, f'{FIELD}\n    smuggled: str = strawberry.field(description="A word.")', "Invoice.smuggled"),
    "a filter": (
        "schema/invoices.py",
        '    denied: bool | None = given(("Invoice.denials",), "Whether the payer has ever refused to pay.")',
        '    denied: bool | None = strawberry.field(default=UNSET, description="A word.")',
        "InvoiceFilter.denied",
    ),
}  # fmt: skip
BILLING = "from server.cli import main; main()"


@pytest.mark.parametrize("what", UNRULED)
def test_something_without_a_rule_stops_the_start(own_address: Address, copy: Copy, what: str) -> None:
    path, before, after, coordinate = UNRULED[what]
    copy.change(path, before, after)
    ran = copy.run(BILLING, "serve", "--no-worker", DATABASE_URL=own_address.owner, BILLING_PORT="0")
    assert ran.returncode not in (0, None)
    assert "ready" not in ran.stdout
    assert f"{coordinate} has no rule: say who sees it, where it is declared" in ran.stderr


@pytest.mark.parametrize("role", EVERYBODY, ids=name_of)
def test_nothing_that_a_role_could_ask_for_is_taken_away_unnoticed(role: Role | None) -> None:
    changes = breaking(name_of(role), file_of(role).read_text(encoding="utf-8"), sdl(role))
    assert not changes, "Clients of this role break: if that is meant, run `make snapshots` and commit the difference"


@pytest.mark.parametrize("role", EVERYBODY, ids=name_of)
def test_nothing_becomes_visible_to_a_role_unnoticed(role: Role | None) -> None:
    changes = appeared(name_of(role), file_of(role).read_text(encoding="utf-8"), sdl(role))
    assert not changes, "This role sees more: if that is meant, run `make snapshots` and commit the difference"


def without(text: str, member: str) -> str:
    """A schema without one member of a type: the line that has it, and its description above."""
    lines = text.splitlines()
    [place] = [number for number, line in enumerate(lines) if line == member]
    return "\n".join(lines[: place - 1] + lines[place + 1 :])


def test_what_breaks_is_named_with_the_role() -> None:
    committed = sdl(Role.ATTORNEY)
    changed = without(without(without(committed, "  billedAmount: Money!"), "  BILLED_AMOUNT"), "  billedMin: Money")
    assert breaking("attorney", committed, changed) == [
        "attorney: Enum value InvoiceOrderField.BILLED_AMOUNT was removed",
        "attorney: Field Invoice.billedAmount was removed",
        "attorney: Field InvoiceFilter.billedMin was removed",
    ]
    assert appeared("attorney", committed, changed) == []


# What stands in the attorney's schema, what stands there instead, and what of it is named.
BREAKS = [
    ("  physician: Physician\n", "  physician: String\n", "Invoice.physician"),
    ("  search: String\n}", "  search: String\n  day: Date!\n}", "day"),
    ("    number: String!\n  ): Invoice", "    number: String!\n    year: Int!\n  ): Invoice", "year"),
]


@pytest.mark.parametrize(("before", "after", "named"), BREAKS)
def test_a_change_of_type_and_a_new_demand_break_too(before: str, after: str, named: str) -> None:
    committed = sdl(Role.ATTORNEY)
    assert before in committed
    [found] = breaking("attorney", committed, committed.replace(before, after, 1))
    assert named in found


def test_what_becomes_visible_is_named_with_the_role() -> None:
    committed = sdl(Role.ATTORNEY)
    member = "  billedAmount: Money!\n"
    changed = committed.replace(member, f'{member}\n  """What is still to be paid."""\n  balance(asOf: Date): Money!\n')
    assert appeared("attorney", committed, changed) == [
        "attorney now sees Invoice.balance",
        "attorney now sees Invoice.balance(asOf:)",
    ]
    assert breaking("attorney", committed, changed) == []


def test_a_rule_that_is_really_opened_is_named(copy: Copy) -> None:
    balance = '    balance: Decimal = shown("ledger", "What is still to be paid.")'
    copy.change("schema/invoices.py", balance, balance.replace("ledger", "existence"))
    ran = copy.run(BILLING, "print-schema", "--role", "attorney")
    assert appeared("attorney", file_of(Role.ATTORNEY).read_text(encoding="utf-8"), ran.stdout) == [
        "attorney now sees Invoice.balance",
        "attorney now sees InvoiceOrderField.BALANCE",
    ]
