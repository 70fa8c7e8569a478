"""The export of payments of a clinic in which everything happened to payments foots: each payment, each deposit, and QuickBooks' balances.

The file is written by this program, and read back by another library (calamine).
"""

import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from db.global_ids import make_id
from domain.access.people import Role
from domain.remittances.remittance import ProviderAdjustment
from server.embedded.postgres import EmbeddedPostgres
from tests.api.payments.paying import day, electronic
from tests.api.payments.test_recoupment import adjusted
from tests.api.remittances.remitting import REMITTANCE, claim, imported, money, payment
from tests.storage.stores import Folder
from tests.support.api.mutations import answered
from tests.support.api.records import find_records, uuid_of
from tests.support.api.scenarios import TODAY, Clinic, allocations, broken_laws
from tests.support.databases import copied, rows
from tests.support.files.export_files import Bureau, bureau_over

_COLUMNS = [
    *("cheque.number", "cheque.amount", "cheque.deposit.depositedOn", "cheque.deposit.bankAccount"),
    *("kind", "amount", "effectiveOn", "invoice.number"),
]
_DEPOSITS = "{ deposits(first: 500) { nodes { bankAccount depositedOn total cheques { number amount } } } }"
_STEPS = 320


@pytest.fixture(scope="module")
def bureau(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bureau]:
    with (
        copied(postgres_server, template_database) as address,
        bureau_over(address, Folder(tmp_path_factory.mktemp("home"))) as found,
    ):
        people = found.people
        History(Clinic(people[Role.BILLING], people[Role.ADMIN], find_records(address), address), Random(23)).run()  # noqa: S311 (chooses the steps of a test)
        yield found


class History:
    """Random steps about the payments of two payers; a step that is refused changes nothing."""

    def __init__(self, clinic: Clinic, random: Random) -> None:
        self.clinic, self.random = clinic, random
        self.cheques: list[str] = []
        self.invoices: list[str] = []
        self.done: defaultdict[str, int] = defaultdict(int)

    def run(self) -> None:
        """Run the steps, all of which succeed at least once."""
        steps: list[Callable[[], None]] = [
            *(self._pay, self._pay, self._invoice, self._allocate, self._refund, self._refund, self._adjust),
            *(self._return, self._return_refund, self._cover, self._give_up, self._deposit),
            *(self._take_back, self._take_back, self._return_taken, self._correct, self._owe),
        ]
        names = {step.__name__.removeprefix("_") for step in steps}
        # Which rows a step finds first follows their random ids: some runs need more steps until each has succeeded.
        for taken in range(4 * _STEPS):
            if taken >= _STEPS and all(self.done[name] for name in names):
                break
            self.random.choice(steps)()
        assert all(self.done[name] for name in names), self.done
        assert self.done.keys() == names

    def _try(self, name: str, step: str, *, admin: bool = False, **inputs: Any) -> Any:
        client = self.clinic.admin if admin else self.clinic.billing
        record = {"createDeposit": "deposit { id }"}.get(name, "cheque { id }")
        answer = answered(client, name, record, **inputs)
        self.done[step] += not answer["errors"]
        return None if answer["errors"] else answer[record.split()[0]]["id"]

    def _some(self, query: str) -> Any:
        """A row of a query over the payments of this history."""
        found = rows(self.clinic.address, query, [uuid_of(one) for one in self.cheques])
        return self.random.choice(found) if found else None

    def _pay(self) -> None:
        back = self.random.randint(0, 9)
        days: dict[str, Any] = {"receivedOn": day(-back), "chequeDate": day(-back)}
        amount = f"{self.random.randint(10, 300)}.{self.random.randint(0, 99):02}"
        if identity := self._try("recordCheque", "pay", **electronic(self.clinic, amount, **days)):
            self.cheques.append(identity)

    def _invoice(self) -> None:
        self.invoices.append(self.clinic.agreed("150.00"))
        self.done["invoice"] += 1

    def _allocate(self) -> None:
        if self.cheques and self.invoices:
            parts = allocations({self.random.choice(self.invoices): f"{self.random.randint(5, 80)}.00"})
            self._try("allocateCheque", "allocate", chequeId=self.random.choice(self.cheques), allocations=parts)

    def _refund(self) -> None:
        if self.cheques:
            how = {"payee": "The payer", "reason": "Paid twice", "refundedOn": TODAY, "method": "ACH"}
            what = {"chequeId": self.random.choice(self.cheques), "amount": f"{self.random.randint(1, 40)}.50"}
            self._try("refundCheque", "refund", admin=True, **what, **how)

    def _adjust(self) -> None:
        """A row of a remittance that raises its payment, as far as nothing of it is used: what is unapplied shrinks."""
        query = "select id from cheques where id = any($1) and returned_on is null and unapplied_amount > 12"
        if found := self._some(query):
            amount = self.random.choice(("-11.25", "7.50"))
            adjusted(self.clinic, make_id("Cheque", found["id"]), amount, "FOOTED")
            self.done["adjust"] += 1

    def _return(self) -> None:
        """Any payment, or one that was refunded in part."""
        refunded = self._some("""select c.id from cheques c where id = any($1) and returned_on is null
            and (select sum(amount) from refunds where cheque_id = c.id) > 0""")
        if refunded and self.random.random() < 0.6:
            chosen = make_id("Cheque", refunded["id"])
        elif self.cheques:
            chosen = self.random.choice(self.cheques)
        else:
            return
        self._try("returnCheque", "return", admin=True, chequeId=chosen, returnedOn=TODAY, reason="Bounced")

    def _take_back(self) -> None:
        """A payment of nothing, with which the payer takes back what one payment has paid of an invoice, and pays another one with it."""
        found = self._some("""select i.number, sum(a.amount) as amount from cheque_allocations a join invoices i on i.id = a.invoice_id
            where a.cheque_id = any($1) group by i.number, a.invoice_id, a.cheque_id having sum(a.amount) > 0""")
        if found and self.invoices:
            amount = f"{found['amount']:.2f}"
            rest = f"{found['amount'] - 150:.2f}"
            adjustments = (f"PR-2 {rest}",) if rest != "0.00" else ()
            back = claim(found["number"], "-150.00", f"-{amount}", *adjustments, status_code="22")
            forwarded = (ProviderAdjustment("FB", money(f"-{amount}"), "FORWARDED"),)
            came = imported(self.clinic, payment(back, provider_adjustments=forwarded))
            answer = answered(self.clinic.billing, "postRemittance", REMITTANCE, remittanceId=came["id"])
            cheque = None if answer["errors"] else answer["remittance"]["payments"][0]["cheque"]
            self.done["take_back"] += cheque is not None
            if cheque is not None:
                self.cheques.append(cheque["id"])

    def _return_taken(self) -> None:
        """A payment of which money was taken back, or that took it back."""
        found = self._some("""select c.id from cheques c join cheque_allocations a on a.cheque_id = c.id
            join cheque_allocations t on t.id = a.id or t.reverses_id = a.id
            where c.id = any($1) and t.reversal_kind = 'taken_back' and c.returned_on is null""")
        if found:
            told = {"returnedOn": TODAY, "reason": "Bounced"}
            self._try("returnCheque", "return_taken", admin=True, chequeId=make_id("Cheque", found["id"]), **told)

    def _correct(self) -> None:
        """Another number, after which the right payment stands for the wrong one."""
        if self.cheques:
            place = self.random.randrange(len(self.cheques))
            told = {"number": f"right-{self.random.random()}", "reason": "A typing error"}
            if right := self._try("correctCheque", "correct", admin=True, chequeId=self.cheques[place], **told):
                self.cheques[place] = right

    def _owe(self) -> None:
        """What the payer owes of a payment that took money back of one that was returned is given up."""
        if found := self._some(
            "select id from cheques where id = any($1) and unapplied_amount < 0 and returned_on is null"
        ):
            told = {"chequeId": make_id("Cheque", found["id"]), "reason": "Insolvent"}
            self._try("giveUpRefund", "owe", admin=True, **told)

    def _return_refund(self) -> None:
        if found := self._some("select id from refunds where cheque_id = any($1) and amount > 0"):
            told = {"returnedOn": TODAY, "reason": "Unknown address"}
            self._try("returnRefund", "return_refund", admin=True, refundId=make_id("Refund", found["id"]), **told)

    def _cover(self) -> None:
        query = """select r.id, o.id as cheque_id from refunds r join cheques c on c.id = r.cheque_id and c.unapplied_amount < 0
            join cheques o on o.payer_id = c.payer_id and o.unapplied_amount > 0 where c.id = any($1) and r.amount > 0
            and not exists (select from refunds v where v.reverses_id = r.id)"""
        if found := self._some(query):
            what = {"refundId": make_id("Refund", found["id"]), "chequeId": make_id("Cheque", found["cheque_id"])}
            self._try("coverRefund", "cover", admin=True, reason="Paid back", **what)

    def _give_up(self) -> None:
        query = """select r.id from refunds r join cheques c on c.id = r.cheque_id and c.unapplied_amount < 0
            where c.id = any($1) and r.amount > 0 and not exists (select from refunds v where v.reverses_id = r.id)"""
        if found := self._some(query):
            identity = make_id("Refund", found["id"])
            self._try("giveUpRefund", "give_up", admin=True, refundId=identity, reason="Insolvent")

    def _deposit(self) -> None:
        query = "select id from cheques where id = any($1) and deposit_id is null and returned_on is null"
        found = rows(self.clinic.address, query, [uuid_of(one) for one in self.cheques])
        if found:
            chosen = self.random.sample(found, min(len(found), 3))
            account = f"Account {self.random.random()}"
            ids = [make_id("Cheque", row["id"]) for row in chosen]
            self._try("createDeposit", "deposit", bankAccount=account, depositedOn=TODAY, chequeIds=ids)


def read_back(bureau: Bureau) -> list[dict[str, Any]]:
    """The rows of the workbook, by header."""
    body = bureau.fetched(Role.BILLING, "exportPayments", format="XLSX", columns=_COLUMNS)
    header, *found = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python()
    return [dict(zip(map(str, header), row, strict=True)) for row in found]


def _cents(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


def test_the_rows_of_every_payment_add_up_to_its_amount(bureau: Bureau) -> None:
    by_payment = defaultdict[Any, list[Decimal]](list)
    for row in read_back(bureau):
        by_payment[row["Cheque number"], _cents(row["Cheque amount"])].append(_cents(row["Amount"]))
    assert {number: sum(amounts) for (number, _), amounts in by_payment.items()} == dict(by_payment.keys())
    money = """select count(*) from cheques join clinics using (clinic_id) where short_name = 'demo'
        and (held_from is null or released_at is not null) and corrected_at is null"""
    assert [(len(by_payment),)] == [tuple(row) for row in rows(bureau.address, money)]


def test_the_rows_of_every_deposit_add_up_to_it(bureau: Bureau) -> None:
    by_deposit = defaultdict[tuple[str, str], Decimal](Decimal)
    for row in read_back(bureau):
        if row["Bank account"]:
            by_deposit[row["Bank account"], row["Deposited on"].isoformat()] += _cents(row["Amount"])
    stated = defaultdict[tuple[str, str], Decimal](Decimal)
    for one in bureau.people[Role.BILLING].read(_DEPOSITS)["deposits"]["nodes"]:
        stated[one["bankAccount"], one["depositedOn"]] += Decimal(one["total"])
    assert by_deposit == stated
    assert len(stated) > 20


def test_all_kinds_of_rows_are_there(bureau: Bureau) -> None:
    assert {row["Kind"] for row in read_back(bureau)} == {
        *("ALLOCATION", "REVERSAL", "REFUND", "REFUND_RETURNED", "REFUND_MOVED", "PROVIDER_ADJUSTMENT", "GIVEN_UP"),
        *("UNAPPLIED", "RETURNED", "TAKEN_BACK"),
    }


def test_quickbooks_shows_what_of_the_payments_was_allocated(bureau: Bureau) -> None:
    every = ["PENDING_INVOICE", "PENDING_REDUCTION", "PENDING_CHEQUE", "CHEQUE_RECEIVED", "PAID", "WRITTEN_OFF"]
    body = bureau.fetched(Role.BILLING, "exportQuickbooksInvoices", filter={"status": every})
    totals = json.loads(zipfile.ZipFile(io.BytesIO(body)).read("manifest.json"))["totals"]
    sums = """select coalesce(sum(a.amount), 0), (select sum(balance) from invoices where status <> 'void')
        from cheque_allocations a join invoices i on i.id = a.invoice_id and i.status <> 'void'"""
    [(allocated, balance)] = rows(bureau.address, sums)
    assert (Decimal(totals["payments"]), Decimal(totals["openBalance"])) == (allocated, balance)


def test_all_laws_hold_in_this_clinic(bureau: Bureau) -> None:
    assert broken_laws(bureau.address) == ()
