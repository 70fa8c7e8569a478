"""Reads the records as of a past day: invoices in their state at its end, and other records that were recorded by then."""

from sqlalchemy import Date, DateTime, FromClause, bindparam, cast, null, or_, select, union_all

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

    def invoice(self) -> Row:
        """An invoice as it was at the end of that day."""
        return _PastInvoice(tables.invoices, self.name("inv"), self)

    def encounter(self) -> Row:
        """An encounter as it was at the end of that day."""
        return _PastEncounter(self)


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
        present = select(*(getattr(now, name).label(name) for name in names)).select_from(now.source)
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
    found: Expression = getattr(was, {"id": "encounter_id", "recorded_at": "known_from"}.get(name, name))
    return found


class _PastInvoice(Row):
    """A past state of invoices: the current row where it was already valid by then, else a row of invoice_states."""

    @property
    def source(self) -> FromClause:
        """The FROM clause of this row: each part has only the columns that are read."""
        now, before = Row(tables.invoices, self.scope.name("now"), self.scope), self._before()
        day, clinic = self.scope.today, self.scope.clinic_id
        names = sorted(self.used | {"clinic_id"})
        present = select(*(getattr(now, name).label(name) for name in names)).select_from(now.source)
        past = select(*(getattr(before, "invoice_id" if name == "id" else name).label(name) for name in names))
        both = union_all(
            present.where(now.clinic_id == clinic, now.known_from <= day),
            past.select_from(before.source).where(
                before.clinic_id == clinic, before.known_until > day, before.known_from <= day
            ),
        )
        return both.subquery(self.alias)

    def _before(self) -> Row:
        return Row(tables.invoice_states, self.scope.name("was"), self.scope)
