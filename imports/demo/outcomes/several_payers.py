"""What follows a partial payment in the demo clinic: the rest goes to the law firm or the patient, or a small balance is given up."""

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.facts import ResponsibilityReason
from domain.billing.money import round_money
from domain.billing.negotiation import SubmissionMethod
from imports.demo.cases import CaseFile
from imports.demo.cheques import Cheque, ChequeDesk, Expected
from imports.demo.clinic import DemoClinic
from imports.history.invoice_history import InvoiceHistory

_PERCENT_OF_REST = 60


class SeveralPayers:
    """Invoices that were paid in part, one after the other."""

    def __init__(self, clinic: DemoClinic, desk: ChequeDesk) -> None:
        self.clinic, self._desk, self._count = clinic, desk, 0

    def follow(self, cases: list[CaseFile]) -> list[Cheque]:
        """Take the next steps that are possible by today; returns the new cheques."""
        return [cheque for case in cases for history in case.histories for cheque in self._follow(case, history)]

    def _follow(self, case: CaseFile, history: InvoiceHistory) -> Iterator[Cheque]:
        is_partly_paid = history.status is InvoiceStatus.PENDING_CHEQUE and history.received > 0
        if not is_partly_paid or history.row["conditional_until"] is not None:
            return
        self._count += 1
        on = history.last_day + timedelta(days=20)
        if on + timedelta(days=40) > self.clinic.today:
            return
        if self._count % 3 == 0:
            small = history.unpaid % 1 or history.unpaid
            if small < history.unpaid:
                yield self._desk.pay(Expected(case, history, on), history.unpaid - small, on)
                history.apply(on + timedelta(days=1), "close_small_balance")
        elif (payer := case.other_payer(history.row["payer_id"])) is not None:
            yield from self._transfer(case, history, payer, on)

    def _transfer(self, case: CaseFile, history: InvoiceHistory, payer: UUID, on: date) -> Iterator[Cheque]:
        """The rest goes to another payer; of every second one it is reduced and paid."""
        history.apply(on, "transfer_balance", payer_id=payer, reason=ResponsibilityReason.OTHER)
        if self._count % 2:
            return
        history.submit_invoice(on + timedelta(days=2), SubmissionMethod.EMAIL)
        offered = round_money(history.unpaid * _PERCENT_OF_REST / 100)
        history.request_reduction(on + timedelta(days=15), offered, "What the settlement leaves")
        history.agree_reduction(on + timedelta(days=20))
        # The denial crossed the agreement in the mail.
        denied_on = on + timedelta(days=18)
        history.apply(on + timedelta(days=24), "record_denial", denied_on=denied_on, reason_code="197")
        yield self._desk.pay(Expected(case, history, on), history.unpaid, on + timedelta(days=38))
