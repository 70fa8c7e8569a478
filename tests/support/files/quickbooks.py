"""A second opinion on sets of files for QuickBooks: refuses what QuickBooks Online refuses, and adds up what it would show.

It knows nothing of the code that writes the files, but for the guard of those that people open.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.formulas import unguard

RECEIVABLE = "Accounts Receivable (A/R)"
MOST_INVOICES, MOST_ROWS, LONGEST_NAME, LONGEST_NUMBER = 100, 1000, 100, 21


@dataclass
class Company:
    """A company in QuickBooks into which a set was imported."""

    customers: dict[str, str] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=lambda: {RECEIVABLE.casefold()})
    invoices: dict[str, dict[str, str]] = field(default_factory=dict)
    entries: set[str] = field(default_factory=set)
    # Per customer, and per account of the journal.
    open: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    posted: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    files: Counter[str] = field(default_factory=Counter)
    names: dict[str, str] = field(default_factory=dict)
    manifest: Any = None

    def total(self) -> Decimal:
        """What all customers owe."""
        return sum(self.open.values(), Decimal("0.00"))

    def open_by_payer(self) -> dict[str, Decimal]:
        """What customers owe, by the names that they have in the clinic; without those that owe nothing."""
        found: dict[str, Decimal] = defaultdict(Decimal)
        for customer, amount in self.open.items():
            found[self.names.get(customer, customer)] += amount
        return {payer: amount for payer, amount in found.items() if amount}

    def add_account(self, row: dict[str, str]) -> None:
        assert row["Type"]
        assert row["Detail Type"]
        self.accounts.add(_name(row["Account Name"]).casefold())

    def add_customer(self, row: dict[str, str]) -> None:
        name = _name(row["Name"])
        assert name.casefold() not in self.customers, f"QuickBooks has a customer {name!r} already"
        self.customers[name.casefold()] = name

    def add_invoice(self, row: dict[str, str]) -> None:
        number, customer = row["*InvoiceNo"], self._customer(row["*Customer"])
        assert 0 < len(number) <= LONGEST_NUMBER
        assert number not in self.invoices, f"a duplicate: {number}"
        assert _day(row["*DueDate"]) >= _day(row["*InvoiceDate"])
        amount = _amount(row["*ItemAmount"])
        assert amount == _amount(row["ItemRate"]) * int(row["ItemQuantity"])
        assert row["Item(Product/Service)"]
        _day(row["Service Date"])
        self.invoices[number] = row
        self.open[customer] += amount

    def add_entry(self, rows: list[dict[str, str]]) -> None:
        number = rows[0]["*JournalNo"]
        assert 0 < len(number) <= LONGEST_NUMBER
        assert number not in self.entries, f"a duplicate: {number}"
        self.entries.add(number)
        assert len({_day(row["*JournalDate"]) for row in rows}) == 1
        sides = [(_side(row["*Debits"]), _side(row["*Credits"])) for row in rows]
        assert sum(debit for debit, _ in sides) == sum(credit for _, credit in sides) > 0
        assert sum(row["*AccountName"] == RECEIVABLE for row in rows) == 1
        for row, (debit, credit) in zip(rows, sides, strict=True):
            assert (debit > 0) != (credit > 0)
            assert row["*AccountName"].casefold() in self.accounts
            self.posted[row["*AccountName"]] += debit - credit
            if row["*AccountName"] == RECEIVABLE:
                self.open[self._customer(row["Name"])] += debit - credit

    def _customer(self, name: str) -> str:
        assert name.casefold() in self.customers, f"QuickBooks has no customer {name!r}"
        return self.customers[name.casefold()]


def imported(archive: bytes) -> Company:
    """The company after the import of a set, in the order of its files."""
    company = Company()
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        assert found.testzip() is None
        for name in sorted(found.namelist()):
            if name[0].isdigit():
                _import(company, name, found.read(name))
        text = found.read("names.csv").decode("utf-8-sig")
        assert found.read("names.csv").startswith(b"\xef\xbb\xbf")
        for row in csv.DictReader(io.StringIO(text, newline="")):
            company.names[unguard(row["Customer in QuickBooks"])] = unguard(row["Payer"])
        _check_balances(company, found.read("balances.csv").decode("utf-8-sig"))
        company.manifest = json.loads(found.read("manifest.json"))
        for file in company.manifest["files"]:
            assert hashlib.sha256(found.read(file["name"])).hexdigest() == file["sha256"]
        assert {file["name"] for file in company.manifest["files"]} == {*found.namelist()} - {"manifest.json"}
        assert "1-accounts.csv" in found.read("README.txt").decode()
    return company


def _check_balances(company: Company, text: str) -> None:
    """Check the sheet that people compare with QuickBooks."""
    told = {unguard(row["Customer"]): row for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert {name: Decimal(row["Open balance"]) for name, row in told.items()} == company.open
    for row in told.values():
        assert Decimal(row["Billed"]) - Decimal(row["Adjustments"]) - Decimal(row["Payments"]) == Decimal(
            row["Open balance"]
        )


def _import(company: Company, name: str, content: bytes) -> None:
    assert not content.startswith(b"\xef\xbb\xbf"), "the first column has another name then"
    lines = list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))
    assert 0 < len(lines) < MOST_ROWS
    for line in lines:
        for cell in line.values():
            assert cell == " ".join(cell.split())
    kind = name.split("-")[1].removesuffix(".csv")
    company.files[kind] += 1
    if kind in ("adjustments", "payments"):
        groups: dict[str, list[dict[str, str]]] = defaultdict(list)
        for line in lines:
            groups[line["*JournalNo"]].append(line)
        for group in groups.values():
            company.add_entry(group)
        return
    assert kind != "invoices" or len(lines) <= MOST_INVOICES
    add = {"accounts": company.add_account, "customers": company.add_customer, "invoices": company.add_invoice}[kind]
    for line in lines:
        add(line)


def _name(name: str) -> str:
    assert 0 < len(name) <= LONGEST_NAME
    assert not set(':"\t\n') & set(name)
    assert name.isprintable()
    assert name.encode("latin-1")
    return name


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y")  # noqa: DTZ007 (a day)


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    assert amount == round(amount, 2)
    assert amount >= 0
    return amount


def _side(text: str) -> Decimal:
    return _amount(text) if text else Decimal(0)
