"""The SQL of the transitions available for an invoice: the domain's table as one expression, with its guards in SQL."""

from collections.abc import Callable

from sqlalchemy import ARRAY, JSON, Text, and_, case, cast, func, literal, literal_column, not_, null, select
from sqlalchemy.dialects.postgresql import array

from db import tables
from db.fields.base import Expression, by_id, owned, same_clinic, there_is
from db.row import Row
from domain.api_names import camel
from domain.billing.invoices import COVERED, GUARDS, Condition, Guard, InvoiceStatus
from domain.billing.next_steps import refusal
from domain.billing.transition import Transition
from domain.billing.transitions import TRANSITIONS


def _word(text: str) -> Expression:
    return literal(text, Text(), literal_execute=True)


def _case_is(i: Row, status: str) -> Expression:
    c = i.scope.row(tables.cases)
    return there_is(c, and_(by_id("case_id")(i, c), c.status == _word(status)))


def _case_covered(i: Row) -> Expression:
    other = i.scope.row(tables.invoices)
    closed = [_word(status.value) for status in COVERED]
    waits = and_(same_clinic(i, other), other.case_id == i.case_id, other.status.not_in(closed))
    return and_(_case_is(i, "open"), not_(there_is(other, waits)))


def _tolerance(i: Row) -> Expression:
    c = i.scope.row(tables.clinics)
    return select(c.small_balance_tolerance).select_from(c.source).where(c.clinic_id == i.clinic_id).scalar_subquery()


def _exists(table: str, i: Row) -> Expression:
    part = i.scope.row(tables.metadata.tables[table])
    return there_is(part, owned("invoice_id")(i, part))


_ZERO: Expression = literal_column("0")
# The facts of domain/billing/invoices.py on which guards depend, over a row.
_FACTS: dict[str, Callable[[Row], Expression]] = {
    "has_lines": lambda i: _exists("invoice_lines", i),
    "billed": lambda i: i.billed_amount,
    "received": lambda i: i.received_amount,
    "balance": lambda i: i.balance,
    "open_part": lambda i: i.billed_amount - i.contractual_amount - i.earlier_received_amount,
    "unpaid": lambda i: i.billed_amount - i.contractual_amount - i.received_amount,
    "not_received": lambda i: i.billed_amount - i.received_amount,
    "small_balance": lambda i: i.small_balance_amount,
    "small_balance_tolerance": _tolerance,
    "has_small_balance": lambda i: i.balance <= _tolerance(i),
    "submitted_on": lambda i: i.submitted_on,
    "sent_on": lambda i: func.coalesce(
        i.first_submitted_on, case((i.replaces_id.is_not(None), i.created_on), else_=null())
    ),
    "conditional_until": lambda i: i.conditional_until,
    "case_is_covered": _case_covered,
    "case_is_open": lambda i: _case_is(i, "open"),
    "case_is_settled": lambda i: not_(_case_is(i, "open")),
}
_PASSES: dict[Condition, Callable[[Expression, Row], Expression]] = {
    Condition.IS_TRUE: lambda fact, i: fact,
    Condition.IS_FALSE: lambda fact, i: not_(fact),
    Condition.IS_ZERO: lambda fact, i: fact == _ZERO,
    Condition.IS_POSITIVE: lambda fact, i: fact > _ZERO,
    Condition.IS_KNOWN: lambda fact, i: fact.is_not(None),
    Condition.IS_UNKNOWN: lambda fact, i: fact.is_(None),
    Condition.IS_BEFORE_TODAY: lambda fact, i: func.coalesce(fact < i.scope.today, literal_column("false")),
}


def holds(guard: Guard, i: Row) -> Expression:
    """That a row fulfils a guard of the domain; a test compares the two on every invoice of the demo clinic."""
    return _PASSES[guard.condition](_FACTS[guard.fact](i), i)


def refusal_text(guard: Guard, i: Row) -> Expression:
    """The message of a guard, with its amount if it has one."""
    before, _, after = refusal(guard).partition("{}")
    if guard.amount is None:
        return _word(before)
    return func.concat(_word(before), cast(_FACTS[guard.amount](i), Text()), _word(after))


def available(i: Row) -> list[tuple[Expression, list[dict[str, Expression]]]]:
    """For each status, the transitions that the scope's role may start from it, each with its fields."""
    found = []
    for status in InvoiceStatus:
        steps = [row for row in TRANSITIONS if i.scope.role is not None and row.starts(status, i.scope.role)]
        if steps:
            found.append((i.status == _word(status.value), [_step(row, i) for row in steps]))
    return found


def _step(row: Transition, i: Row) -> dict[str, Expression]:
    guards = [GUARDS[name] for name in row.guards_for(i.scope.role)]
    conditions = [holds(guard, i) for guard in guards]
    words = [
        case((not_(condition), refusal_text(guard, i)), else_=null())
        for guard, condition in zip(guards, conditions, strict=True)
    ]
    blocked = func.to_json(func.array_remove(cast(array(words), ARRAY(Text())), null()))
    return {
        "name": cast(_word(row.name), Text()),
        "allowed": and_(*conditions) if conditions else literal_column("true"),
        "blockedBy": blocked if words else cast(_word("[]"), JSON),
        "requires": cast(_word("[" + ", ".join(f'"{camel(name)}"' for name in row.required) + "]"), JSON),
    }
