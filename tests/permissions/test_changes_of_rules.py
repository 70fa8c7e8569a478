"""Changes of access rules: one line hides a field, nothing is added without a rule, and every change for a role is named."""

from pathlib import Path
from typing import Any

import pytest

from domain.access.people import Role
from schema.pages.snapshots import file_of, name_of
from schema.whole import sdl
from server.database_urls import DatabaseUrls
from tests.permissions.changed_code import Copy, worked_example
from tests.permissions.comparison import appeared, breaking

ROLES = (None, *Role)
FIELD = '    service_date: date = output_field("existence", "The day of service.")'


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy.into(tmp_path)


def removed(before: Any, after: Any) -> tuple[set[str], dict[str, set[str]]]:
    """What was removed from a role's schema, and the columns that it could read."""
    columns = {table: set(names) - set(after[1].get(table, ())) for table, names in before[1].items()}
    return set(before[0]) - set(after[0]), {table: names for table, names in columns.items() if names}


def test_one_line_hides_a_field_with_its_filters_its_order_and_its_grant_as_in_the_example(copy: Copy) -> None:
    path, before, after = worked_example()
    assert before == FIELD, "the example in CONTRIBUTING.md is about another line than FIELD of this test"
    untouched = copy.rights()
    copy.change(path, before, after)
    changed = copy.rights()
    lost = {"Invoice.serviceDate", "InvoiceFilter.serviceFrom", "InvoiceFilter.serviceTo"}
    lost.add("InvoiceOrderField.SERVICE_DATE")
    # Analysts' reports, under a role of their own, may still count ages from that day.
    grants = {
        role: {table: {"service_date"} for table in ("invoices", "invoice_images")}
        for role in (Role.ATTORNEY, Role.ANALYST)
    }
    for role in Role:
        expected = (lost, grants[role]) if role in grants else (set(), {})
        assert removed(untouched[role], changed[role]) == expected
        assert removed(changed[role], untouched[role]) == (set(), {})


DENIED = """    denied: bool | None = input_field(
        ("Invoice.denials",), "If true, only invoices ever denied; if false, only the others."
    )"""
UNRULED = {
    "a field": ("schema/billing/invoices.py", FIELD, f'{FIELD}\n    smuggled: str = strawberry.field(description="A word.")', "Invoice.smuggled"),
    "a filter": (
        "schema/billing/invoices.py",
        DENIED,
        '    denied: bool | None = strawberry.field(default=UNSET, description="A word.")',
        "InvoiceFilter.denied",
    ),
}  # fmt: skip
BILLING = "from server.cli import main; main()"


@pytest.mark.parametrize("what", UNRULED)
def test_a_declaration_without_a_rule_prevents_the_start(own_address: DatabaseUrls, copy: Copy, what: str) -> None:
    path, before, after, coordinate = UNRULED[what]
    copy.change(path, before, after)
    ran = copy.run(BILLING, "serve", "--no-worker", DATABASE_URL=own_address.owner, BILLING_PORT="0")
    assert ran.returncode not in (0, None)
    assert "ready" not in ran.stdout
    assert f"{coordinate} has no rule: name its rule where it is declared" in ran.stderr


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_no_part_of_a_role_s_schema_is_removed_unnoticed(role: Role | None) -> None:
    changes = breaking(name_of(role), file_of(role).read_text(encoding="utf-8"), sdl(role))
    assert not changes, "Clients of this role break: if that is meant, run `make snapshots` and commit the difference"


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_nothing_becomes_visible_to_a_role_unnoticed(role: Role | None) -> None:
    changes = appeared(name_of(role), file_of(role).read_text(encoding="utf-8"), sdl(role))
    assert not changes, "This role sees more: if that is meant, run `make snapshots` and commit the difference"


def without(text: str, member: str) -> str:
    """A schema without one member of a type: without its line and the description above it."""
    lines = text.splitlines()
    [place] = [number for number, line in enumerate(lines) if line == member]
    return "\n".join(lines[: place - 1] + lines[place + 1 :])


def test_a_breaking_change_is_named_with_the_role() -> None:
    committed = sdl(Role.ATTORNEY)
    changed = without(without(without(committed, "  billedAmount: Money!"), "  BILLED_AMOUNT"), "  billedMin: Money")
    assert breaking("attorney", committed, changed) == [
        "attorney: Enum value InvoiceOrderField.BILLED_AMOUNT was removed",
        "attorney: Field Invoice.billedAmount was removed",
        "attorney: Field InvoiceFilter.billedMin was removed",
    ]
    assert appeared("attorney", committed, changed) == []


# A line of the attorney's schema, its replacement, and the breaking change that is named.
BREAKS = [
    ("  physician: Physician\n", "  physician: String\n", "Invoice.physician"),
    ("  search: String\n}", "  search: String\n  day: Date!\n}", "day"),
    ("    number: String!\n  ): Invoice", "    number: String!\n    year: Int!\n  ): Invoice", "year"),
]


@pytest.mark.parametrize(("before", "after", "named"), BREAKS)
def test_a_change_of_type_and_a_new_required_argument_are_breaking_changes(before: str, after: str, named: str) -> None:
    committed = sdl(Role.ATTORNEY)
    assert before in committed
    [found] = breaking("attorney", committed, committed.replace(before, after, 1))
    assert named in found


def test_a_newly_visible_member_is_named_with_the_role() -> None:
    committed = sdl(Role.ATTORNEY)
    member = "  billedAmount: Money!\n"
    changed = committed.replace(
        member, f'{member}\n  """The outstanding balance in US dollars."""\n  balance(asOf: Date): Money!\n'
    )
    assert appeared("attorney", committed, changed) == [
        "attorney now sees Invoice.balance",
        "attorney now sees Invoice.balance(asOf:)",
    ]
    assert breaking("attorney", committed, changed) == []


def test_an_opened_rule_is_named(copy: Copy) -> None:
    balance = '    balance: Decimal = output_field("ledger", "The outstanding balance in US dollars.")'
    copy.change("schema/billing/invoices.py", balance, balance.replace("ledger", "existence"))
    ran = copy.run(BILLING, "print-schema", "--role", "attorney")
    assert appeared("attorney", file_of(Role.ATTORNEY).read_text(encoding="utf-8"), ran.stdout) == [
        "attorney now sees Invoice.balance",
        "attorney now sees InvoiceOrderField.BALANCE",
    ]
