"""One function decides the status of an invoice, and only the modules of transitions and of imported histories write it."""

import ast
import re
from collections.abc import Iterator

import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.house.source import LAYERS, Function, files, name, tree
from tests.support.databases import rows

# The module of advance(), and those that write its result: imported histories, and the command of transitions.
WRITERS = re.compile(r"imports/history/\w+\.py|resolvers/commands/transitions\.py|domain/billing/lifecycle\.py")
TABLE = re.compile(r"\b(insert\s+into|update|merge\s+into|copy)\s+(only\s+)?invoices\b", re.IGNORECASE)
WRITING = {"insert", "update", "delete", "merge"}


def writes(module: ast.AST) -> Iterator[str]:
    """The source of each statement that could write the status of an invoice."""
    for node in ast.walk(module):
        if _calls_advance(node) or _assigns_status(node) or _passes_status(node) or _writes_rows(node):
            yield ast.unparse(node)


def _calls_advance(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _called(node) == "advance"


def _assigns_status(node: ast.AST) -> bool:
    """`invoice.status = …` and `row["status"] = …`."""
    if isinstance(node, ast.Attribute) and node.attr == "status" and not _is_own(node):
        return isinstance(node.ctx, ast.Store)
    is_key = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == "status"
    return is_key and isinstance(node.ctx, ast.Store)  # type: ignore[attr-defined]


def _is_own(node: ast.Attribute) -> bool:
    """Whether the attribute is of `self`: an error stores the status it is about, which writes no invoice."""
    return isinstance(node.value, ast.Name) and node.value.id == "self"


def _passes_status(node: ast.AST) -> bool:
    """`status=InvoiceStatus.PAID` and `{"status": InvoiceStatus.PAID}`."""
    if isinstance(node, ast.keyword):
        return node.arg == "status" and _is_status(node.value)
    if isinstance(node, ast.Dict):
        keys = zip(node.keys, node.values, strict=True)
        return any(isinstance(key, ast.Constant) and key.value == "status" and _is_status(value) for key, value in keys)
    return False


def _is_status(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "InvoiceStatus"


def _writes_rows(node: ast.AST) -> bool:
    """SQL that writes invoices, SQLAlchemy's functions for it, and rows for a batch."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return bool(TABLE.search(node.value))
    if not isinstance(node, ast.Call):
        return False
    arguments = [ast.unparse(argument) for argument in node.args[:2]]
    is_batch = _called(node) in ("add", "extend") and "'invoices'" in arguments
    target = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    is_sql = _called(node) in WRITING and any(part.split(".")[-1] == "invoices" for part in (*arguments, target))
    return is_batch or is_sql


def _called(node: ast.Call) -> str:
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


def test_only_the_modules_of_transitions_and_histories_write_the_status_of_an_invoice() -> None:
    others = {name(path): list(writes(tree(path))) for path in files(*LAYERS) if not WRITERS.fullmatch(name(path))}
    assert {file: found for file, found in others.items() if found} == {}, (
        "change a status by a transition (domain/billing/transitions.py), and let resolvers/commands/transitions.py write it"
    )


def test_only_one_function_advances_an_invoice() -> None:
    found = [
        name(path)
        for path in files(*LAYERS)
        for node in ast.walk(tree(path))
        if isinstance(node, Function) and node.name == "advance"
    ]
    assert found == ["domain/billing/lifecycle.py"], (
        "use advance() of domain/billing/lifecycle.py: no second function decides a status"
    )


@pytest.mark.parametrize(
    "source",
    [
        "invoice.status = 'paid'",
        "row['status'] = after",
        "row.update(status=InvoiceStatus.PAID)",
        "row |= {'status': InvoiceStatus.VOID, 'version': 2}",
        "connection.execute('update invoices set status = $1')",
        "connection.execute('''INSERT INTO\\n  invoices (status) values ($1)''')",
        "update(tables.invoices).values(given)",
        "invoices.update().values(given)",
        "batch.extend('invoices', rows)",
        "after = advance(before, name)",
    ],
)
def test_any_other_way_to_write_a_status_is_found(source: str) -> None:
    assert list(writes(ast.parse(source)))


@pytest.mark.parametrize("source", ["i.status == 'open'", "offer |= {'status': OfferStatus.OPEN}", "found['invoices']"])
def test_reading_a_status_is_not_reported(source: str) -> None:
    assert not list(writes(ast.parse(source)))


@pytest.mark.parametrize("role", Role)
def test_in_the_database_only_staff_can_write_a_status_and_no_role_can_delete_an_invoice(
    address: DatabaseUrls, role: Role
) -> None:
    query = """select has_column_privilege($1, 'invoices', 'status', 'update'), has_column_privilege($1, 'invoices', 'status', 'insert'),
        has_table_privilege($1, 'invoices', 'delete, truncate')"""
    is_staff = role in (Role.ADMIN, Role.BILLING)
    assert tuple(rows(address, query, f"clinic_{role}")[0]) == (is_staff, is_staff, False)
