"""Decides how the transitions that are possible now are read: the domain's table as one expression, its guards in SQL."""

from collections.abc import Callable

from sqlalchemy import ARRAY, JSON, Text, and_, case, cast, func, literal, literal_column, not_, null
from sqlalchemy.dialects.postgresql import array

from db import tables
from db.row import Row
from db.views.base import Expression, by_id, owned, same_clinic, there_is
from domain.invoices import GUARDS, InvoiceStatus
from domain.transitions import TRANSITIONS, Transition


def _word(text: str) -> Expression:
    return literal(text, Text(), literal_execute=True)


def _case_is(i: Row, status: str) -> Expression:
    c = i.scope.row(tables.cases)
    return there_is(c, and_(by_id("case_id")(i, c), c.status == _word(status)))


def _case_covered(i: Row) -> Expression:
    other = i.scope.row(tables.invoices)
    closed = [_word(status) for status in ("cheque_received", "void", "written_off")]
    waits = and_(same_clinic(i, other), other.case_id == i.case_id, other.status.not_in(closed))
    return and_(_case_is(i, "open"), not_(there_is(other, waits)))


def _exists(table: str, i: Row) -> Expression:
    part = i.scope.row(tables.metadata.tables[table])
    return there_is(part, owned("invoice_id")(i, part))


# The guards of domain/invoices.py over a row; a test compares the two on every invoice of the demo clinic.
HOLDS: dict[str, Callable[[Row], Expression]] = {
    "has_lines": lambda i: _exists("invoice_lines", i),
    "billed": lambda i: i.billed_amount > literal_column("0"),
    "not_submitted": lambda i: i.submitted_on.is_(None),
    "submitted": lambda i: i.submitted_on.is_not(None),
    "nothing_received": lambda i: i.received_amount == literal_column("0"),
    "something_received": lambda i: i.received_amount > literal_column("0"),
    "never_received": lambda i: not_(_exists("cheque_allocations", i)),
    "condition_passed": lambda i: func.coalesce(i.conditional_until < i.scope.today, literal_column("false")),
    "case_covered": _case_covered,
    "case_settled": lambda i: _case_is(i, "settled"),
}


def available(i: Row) -> list[tuple[Expression, list[dict[str, Expression]]]]:
    """For each state, the transitions that the scope's role may start from it, each with its fields."""
    found = []
    for status in InvoiceStatus:
        steps = [row for row in TRANSITIONS if i.scope.role is not None and row.starts(status, i.scope.role)]
        if steps:
            found.append((i.status == _word(status.value), [_step(row, i) for row in steps]))
    return found


def _step(row: Transition, i: Row) -> dict[str, Expression]:
    holds = {GUARDS[name].words: HOLDS[name](i) for name in row.guards}
    words = [case((not_(condition), _word(said)), else_=null()) for said, condition in holds.items()]
    blocked = func.to_json(func.array_remove(cast(array(words), ARRAY(Text())), null()))
    return {
        "name": cast(_word(row.name), Text()),
        "allowed": and_(*holds.values()) if holds else literal_column("true"),
        "blockedBy": blocked if words else cast(_word("[]"), JSON),
        "requires": cast(_word("[" + ", ".join(f'"{name}"' for name in row.requires) + "]"), JSON),
    }
