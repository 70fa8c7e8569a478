"""Writes a set of files for QuickBooks Online as a ZIP: invoices, adjustments and payments in files of the size that it imports."""

import codecs
import csv
import hashlib
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import IO, Any

import orjson
from sqlalchemy.sql.elements import ColumnElement

from domain.formulas import guard
from exports.columns import Column
from exports.quickbooks.books import Books
from exports.quickbooks.names import Customer, one_line
from exports.quickbooks.readme import README

Expression = ColumnElement[Any]
Rows = Sequence[Sequence[str]]
COPY: Mapping[str, Any] = {"format": "csv"}
# QuickBooks imports at most 100 invoices, and at most 1,000 rows; the header may be counted, too.
MOST_INVOICES, MOST_ROWS = 100, 999
# It exists in every company of QuickBooks from its first invoice on; the set brings the others.
RECEIVABLE = "Accounts Receivable (A/R)"
RECEIVED, REDUCED, LOST = "Clinic payments received", "Clinic reductions agreed", "Clinic bad debts"
# Their types and detail types are those of QuickBooks' chart of accounts.
_ACCOUNTS = (
    (RECEIVED, "Other Current Assets", "Undeposited Funds"),
    (REDUCED, "Income", "Discounts/Refunds Given"),
    (LOST, "Expenses", "Bad Debts"),
)
_ITEM = "Medical services"
_INVOICE_HEADER = (
    *("*InvoiceNo", "*Customer", "*InvoiceDate", "*DueDate", "Memo", "Item(Product/Service)", "ItemQuantity"),
    *("ItemRate", "*ItemAmount", "Service Date"),
)
_JOURNAL_HEADER = ("*JournalNo", "*JournalDate", "*AccountName", "*Debits", "*Credits", "Description", "Name")
_ADJUSTED = {
    "REDUCTION": (REDUCED, "Reduction"),
    "CONTRACTUAL": (REDUCED, "Contractual adjustment"),
    "SMALL_BALANCE": (LOST, "Small balance"),
    "WRITE_OFF": (LOST, "Write-off"),
    "VOID": (LOST, "Void"),
}
_PAID = {
    "PAPER": "Cheque",
    "ACH": "ACH transfer",
    "WIRE": "Wire transfer",
    "CARD": "Card payment",
    "VIRTUAL_CARD": "Virtual card",
    "CASH": "Cash receipt",
}
_REVERSED = {
    method: f"Reversal of {words[0].lower() if method != 'ACH' else 'A'}{words[1:]}" for method, words in _PAID.items()
}
# The same records give the same file.
_WRITTEN_AT = (1980, 1, 1, 0, 0, 0)


def cell(column: Column, value: Expression) -> Expression:
    """The SQL of a value: as it is, since no spreadsheet reads these files."""
    return value


@dataclass(slots=True)
class _Account:
    """What QuickBooks will show of a customer, and the balance of the same invoices here."""

    invoices: int = 0
    billed: Decimal = Decimal("0.00")
    adjusted: Decimal = Decimal("0.00")
    received: Decimal = Decimal("0.00")
    balance: Decimal = Decimal("0.00")

    @property
    def open(self) -> Decimal:
        """The open balance that QuickBooks will show."""
        return self.billed - self.adjusted - self.received


@dataclass
class _Set:
    """The files of a set, what is known of its customers, and the files written so far."""

    archive: zipfile.ZipFile
    books: Books
    accounts: dict[str, _Account] = field(default_factory=lambda: defaultdict(_Account))
    renamed: dict[str, Customer] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)

    def customer(self, identity: str, payer: str) -> str:
        """The name of a payer in QuickBooks."""
        renamed = self.books.customers.get(identity)
        if renamed is None:
            return payer
        self.renamed[renamed.name] = renamed
        return renamed.name

    def add(self, name: str, content: bytes, **facts: Any) -> None:
        """Write a file of the set."""
        self._write(name, content)
        self.files.append({"name": name, **facts, "sha256": hashlib.sha256(content).hexdigest()})

    def _write(self, name: str, content: bytes) -> None:
        entry = zipfile.ZipInfo(name, _WRITTEN_AT)
        entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
        self.archive.writestr(entry, content)

    def add_csv(self, name: str, header: Sequence[str], rows: Rows, **facts: Any) -> None:
        """Write a file that QuickBooks imports: without byte order mark, without apostrophes before texts."""
        self.add(name, _csv(header, rows), rows=len(rows), **facts)

    def finish(self) -> None:
        """Write what is known when all rows are: accounts, customers, balances, names and the manifest."""
        if any(account.open != account.balance for account in self.accounts.values()):
            # Without the name of the customer, which may be a patient.
            raise AssertionError("QuickBooks would show another balance of a customer")
        self.add_csv("1-accounts.csv", ("Account Name", "Type", "Detail Type"), _ACCOUNTS)
        customers = sorted(self.accounts, key=str.casefold)
        for number, begin in enumerate(range(0, len(customers), MOST_ROWS), 1):
            self.add_csv(
                f"2-customers-{number:04}.csv", ("Name",), [(name,) for name in customers[begin : begin + MOST_ROWS]]
            )
        self.add("balances.csv", _for_people(_BALANCES, self._balances(customers)))
        renamed = (
            (guard(one.payer), guard(one.name), "; ".join(one.reasons)) for _, one in sorted(self.renamed.items())
        )
        self.add("names.csv", _for_people(("Payer", "Customer in QuickBooks", "Replaced"), renamed))
        self.add("README.txt", README.encode())
        self._write("manifest.json", self._manifest())
        self.archive.close()

    def _balances(self, customers: Sequence[str]) -> Iterator[Sequence[str]]:
        for name in customers:
            account = self.accounts[name]
            amounts = (account.billed, account.adjusted, account.received, account.open)
            yield guard(name), str(account.invoices), *map(str, amounts)

    def _manifest(self) -> bytes:
        found = self.accounts.values()
        zero = Decimal("0.00")
        totals = {
            "customers": len(found),
            "invoices": sum(account.invoices for account in found),
            "billed": str(sum((account.billed for account in found), zero)),
            "adjustments": str(sum((account.adjusted for account in found), zero)),
            "payments": str(sum((account.received for account in found), zero)),
            "openBalance": str(sum((account.open for account in found), zero)),
        }
        names = [
            {"payer": one.payer, "customer": one.name, "replaced": one.reasons}
            for _, one in sorted(self.renamed.items())
        ]
        manifest = {"paymentTermsDays": self.books.payment_terms_days, "totals": totals, "names": names}
        return orjson.dumps({**manifest, "files": self.files}, option=orjson.OPT_INDENT_2)


_BALANCES = ("Customer", "Invoices", "Billed", "Adjustments", "Payments", "Open balance")


class _Numbered:
    """Files of one kind, the next of which begins when QuickBooks would take no more of one."""

    def __init__(self, files: _Set, stem: str, header: Sequence[str], most: int) -> None:
        self._files, self._stem, self._header, self._most = files, stem, header, most
        self._rows: list[Sequence[str]] = []
        self._records, self._total, self._number = 0, Decimal("0.00"), 0

    def add(self, rows: Rows, amount: Decimal) -> None:
        """Add a record, whose rows stay together."""
        self._rows += rows
        self._records += 1
        self._total += amount
        if self._records == self._most:
            self.end()

    def end(self) -> None:
        """Write the rows that wait."""
        if self._rows:
            self._number += 1
            name = f"{self._stem}-{self._number:04}.csv"
            self._files.add_csv(name, self._header, self._rows, records=self._records, total=str(self._total))
        self._rows, self._records, self._total = [], 0, Decimal("0.00")


class _Invoices:
    """The invoices of a set, one row each."""

    def __init__(self, files: _Set) -> None:
        self._set = files
        self._files = _Numbered(files, "3-invoices", _INVOICE_HEADER, MOST_INVOICES)
        self._terms = timedelta(days=files.books.payment_terms_days)

    def write(self, chunk: bytes) -> int:
        """Write the next output of COPY, which ends with a row; returns the number of rows."""
        count = 0
        for number, customer_id, payer, created_on, service_date, case, billed, balance in _read(chunk):
            name = self._set.customer(customer_id, payer)
            account, amount = self._set.accounts[name], Decimal(billed)
            account.invoices += 1
            account.billed += amount
            account.balance += Decimal(balance)
            created = date.fromisoformat(created_on)
            days = (_day(created), _day(created + self._terms))
            made = (one_line(number), name, *days, one_line(case), _ITEM, "1", billed, billed)
            self._files.add([(*made, _day(date.fromisoformat(service_date)))], amount)
            count += 1
        return count

    def end(self) -> None:
        """Write the last file."""
        self._files.end()


class _Journal:
    """Adjustments or payments as journal entries of two lines: one of the customer's receivables, one of another account."""

    def __init__(self, files: _Set, stem: str) -> None:
        self._set = files
        self._files = _Numbered(files, stem, _JOURNAL_HEADER, MOST_ROWS // 2)

    def _add(self, number: str, on: str, account: str, description: str, customer: str, amount: Decimal) -> None:
        sides = (str(amount), "") if amount > 0 else ("", str(-amount))
        begun = (number, _day(date.fromisoformat(on)))
        rows = (
            (*begun, account, *sides, description, ""),
            (*begun, RECEIVABLE, *reversed(sides), description, customer),
        )
        self._files.add(rows, amount)


class _Adjustments(_Journal):
    def write(self, chunk: bytes) -> int:
        """Write the next output of COPY, which ends with a row; returns the number of rows."""
        count = 0
        for identity, number, customer_id, payer, on, kind, amount in _read(chunk):
            account, word = _ADJUSTED[kind]
            customer, adjusted = self._set.customer(customer_id, payer), Decimal(amount)
            self._set.accounts[customer].adjusted += adjusted
            entry = _entry_number("A", identity, on, kind)
            self._add(entry, on, account, one_line(f"{word}: {number}"), customer, adjusted)
            count += 1
        return count

    def end(self) -> None:
        """Write the last file."""
        self._files.end()


class _Payments(_Journal):
    def write(self, chunk: bytes) -> int:
        """Write the next output of COPY, which ends with a row; returns the number of rows."""
        count = 0
        for identity, number, customer_id, payer, on, method, cheque, amount in _read(chunk):
            customer, received = self._set.customer(customer_id, payer), Decimal(amount)
            self._set.accounts[customer].received += received
            words = f"{_PAID[method] if received > 0 else _REVERSED[method]} {cheque}: {number}"
            self._add(_entry_number("P", identity), on, RECEIVED, one_line(words), customer, received)
            count += 1
        return count

    def end(self) -> None:
        """Write the last file, and what the set says of itself."""
        self._files.end()
        self._set.finish()


def writers(file: IO[bytes], books: Books) -> tuple[_Invoices, _Adjustments, _Payments]:
    """The writers of a set: of its invoices, then of its adjustments, then of its payments."""
    files = _Set(zipfile.ZipFile(file, "w"), books)
    return _Invoices(files), _Adjustments(files, "4-adjustments"), _Payments(files, "5-payments")


def _read(chunk: bytes) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(chunk.decode(), newline=""))


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _for_people(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A file that a person opens in a spreadsheet; its texts are guarded already, its amounts need no guard."""
    return codecs.BOM_UTF8 + _csv(header, rows)


def _day(day: date) -> str:
    """A day as QuickBooks of the United States expects it."""
    return f"{day:%m/%d/%Y}"


def _entry_number(letter: str, *key: str) -> str:
    """The number of a journal entry: the same in every export, so that QuickBooks can warn of one that it has already."""
    return letter + hashlib.sha256("\n".join(key).encode()).hexdigest()[:16].upper()
