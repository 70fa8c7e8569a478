"""Mistakes of the demo clinic that are mended: a write-off too early, and a cheque that is found after its agreement has lapsed."""

from collections.abc import Iterator
from datetime import timedelta

from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.conditions import lapsed_agreement
from imports.demo.cases import CaseFile
from imports.demo.cheques import Cheque, ChequeDesk, Expected
from imports.demo.clinic import DemoClinic
from imports.history.invoice_history import InvoiceHistory

# One of so many is mended.
_EVERY_WRITE_OFF, _EVERY_LAPSE = 9, 4


class Mistakes:
    """Mends some invoices that were written off, and some of which an agreement has lapsed."""

    def __init__(self, clinic: DemoClinic, desk: ChequeDesk) -> None:
        self.clinic, self._desk = clinic, desk
        self._write_offs = self._lapses = 0

    def mend(self, cases: list[CaseFile]) -> list[Cheque]:
        """Take the steps that are possible by today; returns the cheques that come with them."""
        return [cheque for case in cases for history in case.histories for cheque in self._mend(case, history)]

    def _mend(self, case: CaseFile, history: InvoiceHistory) -> Iterator[Cheque]:
        if history.status is InvoiceStatus.WRITTEN_OFF:
            self._write_offs += 1
            if self._write_offs % _EVERY_WRITE_OFF == 0:
                yield from self._collect_after_all(case, history)
        elif history.status is InvoiceStatus.PENDING_REDUCTION and history.open_offer is None:
            yield from self._find_cheque(case, history)

    def _collect_after_all(self, case: CaseFile, history: InvoiceHistory) -> Iterator[Cheque]:
        """The write-off is reversed, and some weeks later everything is paid."""
        reversed_on = history.last_day + timedelta(days=45)
        paid_on = reversed_on + timedelta(days=30)
        if paid_on > self.clinic.today:
            return
        history.by = self.clinic.users[Role.ADMIN]
        history.apply(reversed_on, "reverse_write_off", reason="The firm has taken the case up again")
        yield self._desk.pay(Expected(case, history, paid_on), history.unpaid, paid_on)

    def _find_cheque(self, case: CaseFile, history: InvoiceHistory) -> Iterator[Cheque]:
        """A cheque that came in time is found some days after the agreement has lapsed, which holds after all."""
        lapsed = lapsed_agreement(history.facts.known)
        found_on = history.last_day + timedelta(days=3)
        if lapsed is None or lapsed.conditional_until is None or found_on > self.clinic.today:
            return
        self._lapses += 1
        if self._lapses % _EVERY_LAPSE == 0:
            received_on = lapsed.conditional_until - timedelta(days=1)
            history.apply(found_on, "revive_agreement", role=None)
            yield self._desk.pay(Expected(case, history, received_on), history.unpaid, received_on, found_on)
