"""Reads the records as of a past day: as they were known at its end, or by their own days, with all that is known now (restated figures)."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    Date,
    DateTime,
    FromClause,
    Select,
    Table,
    and_,
    bindparam,
    cast,
    exists,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from db import tables
from db.row import Expression, Row, Scope


class AsOf(Scope):
    """The scope of a query as of a past day: `today` is that day, and `cut` the moment at which it ended."""

    is_past = True

    @property
    def today(self) -> Expression:
        """The requested day, bound."""
        return bindparam("as_of", None, type_=Date())

    @property
    def cut(self) -> Expression:
        """The moment at which that day ended in the clinic, bound."""
        return bindparam("as_of_end", None, type_=DateTime(timezone=True))

    def known(self, row: Row) -> list[Expression]:
        """That a record had been recorded by then."""
        return [row.recorded_at < self.cut]

    def lasting(self, ended_at: Expression) -> Expression:
        """That a record with an end moment (or null) had not ended by then."""
        return or_(ended_at.is_(None), ended_at >= self.cut)

    def uncorrected(self, corrected_at: Expression) -> Expression:
        """That a record with a moment of its correction (or null) had not been corrected by then."""
        return self.lasting(corrected_at)

    def invoice(self) -> Row:
        """An invoice as it was at the end of that day."""
        return _PastInvoice(tables.invoices, self.name("inv"), self)

    def encounter(self) -> Row:
        """An encounter as it was at the end of that day."""
        return _PastEncounter(self)


class Restated(AsOf):
    """The scope of a query as of a past day by the days on which facts count, with all that is known now."""

    is_restated = True

    def known(self, row: Row) -> list[Expression]:
        """That a record counts by that day; a record without a day of its own counts from when it was recorded."""
        if row.table in (tables.encounter_exams, tables.coverages):
            return []
        name = _DAYS.get(row.table.name)
        return [getattr(row, name) <= self.today] if name else super().known(row)

    def uncorrected(self, corrected_at: Expression) -> Expression:
        """That a record has not been corrected until now."""
        return corrected_at.is_(None)

    def invoice(self) -> Row:
        """An invoice as it was on that day by its facts."""
        return _RestatedInvoice(tables.invoices, self.name("inv"), self)

    def encounter(self) -> Row:
        """An encounter as it is known now."""
        return self.row(tables.encounters)


# The days on which records count.
_DAYS = {
    "denials": "denied_on",
    "denial_events": "happened_on",
    "encounters": "service_date",
    "cheques": "received_on",
    "cheque_allocations": "effective_on",
    "refunds": "refunded_on",
    "provider_adjustments": "effective_on",
    "responsibilities": "from_on",
    "invoice_adjustments": "effective_on",
    "agreements": "agreed_on",
}


class _PastEncounter(Row):
    """A past state of encounters: the current row where it was already valid by then, else a row of encounter_states.

    A correction or a cancellation ends a state, so that an encounter in a past state was not cancelled.
    """

    def __init__(self, scope: AsOf) -> None:
        super().__init__(tables.encounters, scope.name("enc"), scope)
        self._cut = scope.cut

    @property
    def source(self) -> FromClause:
        """The FROM clause of this row: each part has only the columns that are read."""
        now = Row(tables.encounters, self.scope.name("now"), self.scope)
        was = Row(tables.encounter_states, self.scope.name("was"), self.scope)
        cut, clinic = self._cut, self.scope.clinic_id
        names = sorted(self.used | {"clinic_id"})
        present = select(*(now.stored(name).label(name) for name in names)).select_from(now.source)
        past = select(*(_past(was, name).label(name) for name in names)).select_from(was.source)
        both = union_all(
            present.where(now.clinic_id == clinic, or_(now.changed_at.is_(None), now.changed_at < cut)),
            past.where(was.clinic_id == clinic, was.known_from < cut, was.known_until >= cut),
        )
        return both.subquery(self.alias)


def _past(was: Row, name: str) -> Expression:
    """A column of an encounter, from a row of encounter_states."""
    if name == "cancelled_at":
        return cast(null(), DateTime(timezone=True))
    return was.stored({"id": "encounter_id", "recorded_at": "known_from"}.get(name, name))


def _always(identity: Expression) -> list[Expression]:
    """No condition on an invoice."""
    return []


class _PastInvoice(Row):
    """A past state of invoices: the current row where it was already valid by then, else a row of invoice_states."""

    @property
    def source(self) -> FromClause:
        """The FROM clause of this row: each part has only the columns that are read."""
        return union_all(*self._known(sorted(self.used | {"clinic_id"}))).subquery(self.alias)

    def _known(self, names: list[str], unless: Callable[[Expression], list[Expression]] = _always) -> list[Select[Any]]:
        """The states that were known on the day, `unless` another source has the invoice with an id."""
        now, before = self._of(tables.invoices, "now"), self._of(tables.invoice_states, "was")
        day, clinic = self.scope.today, self.scope.clinic_id
        is_now = (now.clinic_id == clinic, now.known_from <= day, *unless(now.id))
        was = (before.clinic_id == clinic, before.known_until > day, before.known_from <= day)
        return [_columns(now, names).where(*is_now), _columns(before, names).where(*was, *unless(before.invoice_id))]

    def _of(self, table: Table, stem: str) -> Row:
        return Row(table, self.scope.name(stem), self.scope)


def _columns(row: Row, names: list[str]) -> Select[Any]:
    is_invoice = row.table is tables.invoices
    found = [row.stored("invoice_id" if name == "id" and not is_invoice else name).label(name) for name in names]
    return select(*found).select_from(row.source)


class _RestatedInvoice(_PastInvoice):
    """A state of invoices by their facts: restated where it differs from what was known, with who represented the case on the day."""

    @property
    def source(self) -> FromClause:
        """The FROM clause of this row: each part has only the columns that are read."""
        names = self.used | {"clinic_id"}
        is_represented = "attorney_id" in names
        stored = sorted(names - {"attorney_id"} | ({"case_id"} if is_represented else set()))
        then, day = self._of(tables.restated_states, "then"), self.scope.today
        is_then = (then.clinic_id == self.scope.clinic_id, then.from_on <= day, _is_after(then.until_on, day))
        found = union_all(*self._known(stored, self._unless_restated), _columns(then, stored).where(*is_then))
        if not is_represented:
            return found.subquery(self.alias)
        states, period = found.subquery(self.scope.name("states")), self._of(tables.representations, "rep")
        of_case = (period.clinic_id == self.scope.clinic_id, period.case_id == states.c.case_id)
        on_day = (period.from_on <= day, _is_after(period.until_on, day), period.known_until.is_(None))
        columns = [states.c[name] for name in stored if name in names]
        joined = states.outerjoin(period.source, and_(*of_case, *on_day))
        return select(*columns, period.attorney_id.label("attorney_id")).select_from(joined).subquery(self.alias)

    def _unless_restated(self, identity: Expression) -> list[Expression]:
        other = self._of(tables.restated_states, "other")
        is_same = (other.clinic_id == self.scope.clinic_id, other.invoice_id == identity, other.until_on.is_(None))
        return [~exists(select(literal_column("1")).select_from(other.source).where(*is_same))]


def _is_after(end: Expression, day: Expression) -> Expression:
    return or_(end.is_(None), end > day)
