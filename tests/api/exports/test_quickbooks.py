"""After the import of a set of files, QuickBooks shows of each customer the balance that the clinic's aging shows of the payer."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.access.people import Role
from domain.billing.invoices import OPEN, InvoiceStatus
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.storage.stores import Folder
from tests.support.api.records import find_records
from tests.support.api.scenarios import TODAY, Clinic, mutation
from tests.support.databases import copied, rows
from tests.support.files.export_files import Bureau, bureau_over, wait_for_lapses
from tests.support.files.quickbooks import Company, imported

EXPORT = "exportQuickbooksInvoices"
ALL = [status.name for status in InvoiceStatus]
_AGING = "{ aging { outstanding invoiceCount } agingByPayer { payer { name } outstanding } }"
# What was given up, and what the contract with the payer or an agreement took off.
_LOST = """select sum(written_off_amount) as written_off, sum(small_balance_amount) as small_balances from invoices
    where status <> 'void'"""
_REDUCED = """select sum(billed_amount - earlier_received_amount - coalesce(agreed_amount, open_part)) from invoices,
    lateral (select billed_amount - contractual_amount - earlier_received_amount as open_part) o where status <> 'void'"""
_TERMS = "mutation ($days: Int) { updateClinic(input: {paymentTermsDays: $days}) { clinic { paymentTermsDays } errors { message path } } }"
# Names that QuickBooks refuses, or would take for another one, with a pattern of the customer, and a part of the reason.
_PART_OF_ID = r" \([0-9a-f]{6}\)"
REPLACED = {
    "Smith: Partners": ("Smith- Partners", "colon"),
    'The "Best" Firm': (f"The 'Best' Firm({_PART_OF_ID})?", "quotation mark"),
    "Løwe\u200b & Müller": ("Løwe & Müller", "Latin-1"),
    "Kowalski Łódź": ("Kowalski Lódz", "Latin-1"),
    "名前": (f"Payer{_PART_OF_ID}", "Latin-1"),
    "Two\u00a0 Spaces": ("Two Spaces", "spaces"),
    "O\u2019Neil": (f"O'Neil({_PART_OF_ID})?", "Latin-1"),
    "L" * 150: (f"L{{91}}{_PART_OF_ID}", "100 characters"),
    "L" * 149 + "M": (f"L{{91}}{_PART_OF_ID}", "100 characters"),
}
# The first of these names that differ in case only stays.
NAMES = (*REPLACED, "the 'best' firm", "O'NEIL", "=1+1", "'=1+1")


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        yield copy


@pytest.fixture(scope="module")
def bureau(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    with working(address, tmp_path_factory.mktemp("home")) as found:
        yield found


@contextmanager
def working(address: DatabaseUrls, home: Path) -> Iterator[Bureau]:
    """A server with its worker."""
    with bureau_over(address, Folder(home)) as found:
        wait_for_lapses(address)
        yield found


def company(bureau: Bureau, **values: Any) -> Company:
    return imported(bureau.fetched(Role.BILLING, EXPORT, **values))


def owed(bureau: Bureau) -> tuple[Decimal, int, dict[str, Decimal]]:
    """What the clinic's aging shows: the sum, the number of invoices, and the sum by the name of the payer."""
    found = bureau.people[Role.BILLING].read(_AGING)
    by_payer: dict[str, Decimal] = {}
    for row in found["agingByPayer"]:
        by_payer[row["payer"]["name"]] = by_payer.get(row["payer"]["name"], Decimal(0)) + Decimal(row["outstanding"])
    by_payer = {payer: amount for payer, amount in by_payer.items() if amount}
    return Decimal(found["aging"]["outstanding"]), found["aging"]["invoiceCount"], by_payer


def test_quickbooks_shows_the_open_balance_of_the_clinic_and_of_each_payer(bureau: Bureau) -> None:
    found = company(bureau)
    outstanding, count, by_payer = owed(bureau)
    assert (found.total(), len(found.invoices), found.open_by_payer()) == (outstanding, count, by_payer)
    assert found.files["invoices"] == -(-count // 100) > 1
    assert Decimal(found.manifest["totals"]["openBalance"]) == outstanding
    assert found.manifest["totals"]["invoices"] == count


def test_with_paid_and_written_off_invoices_the_balances_are_the_same(bureau: Bureau) -> None:
    found = company(bureau, filter={"status": ALL})
    outstanding, count, by_payer = owed(bureau)
    assert (found.total(), found.open_by_payer()) == (outstanding, by_payer)
    [(every,)] = rows(bureau.address, "select count(*) from invoices where status <> 'void'")
    assert len(found.invoices) == every > count
    [(received,)] = rows(bureau.address, "select sum(received_amount) from invoices")
    assert found.posted["Clinic payments received"] == received
    [lost] = rows(bureau.address, _LOST)
    assert found.posted["Clinic bad debts"] == lost["written_off"] + lost["small_balances"]
    assert min(lost) > 0
    [(reduced,)] = rows(bureau.address, _REDUCED)
    assert found.posted["Clinic reductions agreed"] == reduced > 0


def test_the_stated_totals_are_those_of_the_set(bureau: Bureau) -> None:
    export = bureau.ready(Role.BILLING, EXPORT)
    received = bureau.people[Role.BILLING].read(
        "query ($id: ID!) { export(id: $id) { receivedTotal } }", id=export["id"]
    )["export"]["receivedTotal"]
    found = imported(httpx.get(export["downloadUrl"]).content)
    assert sum(Decimal(row["*ItemAmount"]) for row in found.invoices.values()) == Decimal(export["billedTotal"])
    assert found.posted["Clinic payments received"] == Decimal(received)
    assert export["rowCount"] == len(found.invoices) + len(found.entries)


def test_open_invoices_are_the_default_and_the_export_says_so(bureau: Bureau) -> None:
    export = bureau.ready(Role.BILLING, EXPORT)
    assert json.loads(export["filter"]) == {"status": sorted(status.name for status in OPEN)}
    paid = bureau.ready(Role.BILLING, EXPORT, filter={"status": ["PAID"]})
    assert json.loads(paid["filter"]) == {"status": ["PAID"]}
    found = imported(httpx.get(paid["downloadUrl"]).content)
    assert found.invoices
    assert found.open_by_payer() == {}
    assert not imported(bureau.fetched(Role.BILLING, EXPORT, filter={"status": ["VOID"]})).invoices


def test_a_set_is_the_same_again_so_that_quickbooks_can_warn_of_what_it_has(bureau: Bureau) -> None:
    assert bureau.fetched(Role.BILLING, EXPORT) == bureau.fetched(Role.ADMIN, EXPORT)


def test_no_patient_is_named(bureau: Bureau) -> None:
    patients = {row["last_name"] for row in rows(bureau.address, "select last_name from patients")}
    payers = " ".join(row["name"] for row in rows(bureau.address, "select name from payers"))
    for row in company(bureau, filter={"status": ALL}).invoices.values():
        words = {word.strip(",.") for cell in row.values() for word in cell.split()}
        assert not {name for name in words & patients if name not in payers}


def test_a_set_is_downloaded_as_a_zip_in_whole_or_in_part(bureau: Bureau) -> None:
    export = bureau.ready(Role.BILLING, EXPORT)
    response = httpx.get(export["downloadUrl"])
    assert response.headers["content-type"] == "application/zip" == export["contentType"]
    assert export["fileName"].endswith(".zip")
    assert export["fileName"] in response.headers["content-disposition"]
    assert response.headers["etag"] == f'"{export["sha256"]}"'
    part = httpx.get(export["downloadUrl"], headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"PK\x03\x04")
    [event] = rows(
        bureau.address, "select * from audit_events where operation = 'export' order by at desc, id desc limit 1"
    )
    assert event["row_count"] == export["rowCount"]
    assert {"ChequeAllocation.amount", "InvoiceFilter.status"} <= {*event["fields"], *event["filters"]}


def test_only_an_export_for_quickbooks_is_a_zip(bureau: Bureau) -> None:
    [error] = bureau.ask(Role.BILLING, format="ZIP")["errors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "format"])


def test_due_days_follow_the_terms_of_payment_that_an_administrator_sets(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path: Path
) -> None:
    with copied(postgres_server, template_database) as own, working(own, tmp_path) as bureau:
        admin = bureau.people[Role.ADMIN]
        assert admin.read("{ clinic { paymentTermsDays } }")["clinic"] == {"paymentTermsDays": 30}
        for row in company(bureau).invoices.values():
            assert _days(row) == 30
        assert admin.read(_TERMS, days=45)["updateClinic"] == {"clinic": {"paymentTermsDays": 45}, "errors": []}
        assert admin.read("{ clinic { paymentTermsDays } }")["clinic"] == {"paymentTermsDays": 45}
        found = company(bureau)
        assert {_days(row) for row in found.invoices.values()} == {45} == {found.manifest["paymentTermsDays"]}
        for days in (-1, 366):
            refused = admin.read(_TERMS, days=days)["updateClinic"]
            assert (refused["clinic"], refused["errors"][0]["path"]) == (None, ["input", "paymentTermsDays"])
        for role in (Role.BILLING, Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST):
            assert bureau.people[role].refusals(_TERMS, days=1)
        [*others] = rows(own, "select payment_terms_days from clinics where short_name <> 'demo'")
        assert [row["payment_terms_days"] for row in others] in ([], [30] * len(others))
        assert rows(own, "select payment_terms_days as d from clinics where short_name = 'demo'")[0]["d"] == 45


def _days(row: dict[str, str]) -> int:
    created, due = (datetime.strptime(row[name], "%m/%d/%Y") for name in ("*InvoiceDate", "*DueDate"))  # noqa: DTZ007
    return (due - created).days


def test_names_that_quickbooks_refuses_are_replaced_and_listed_and_stay_the_same(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path: Path
) -> None:
    with copied(postgres_server, template_database) as own, working(own, tmp_path) as bureau:
        query = """select payer_id from invoices where status = any($1) group by payer_id order by count(*) desc, 1 limit $2"""
        payers = rows(own, query, [status.value for status in OPEN], len(NAMES))
        assert len(payers) == len(NAMES)
        for payer, name in zip(payers, NAMES, strict=True):
            rows(own, "update payers set name = $2 where id = $1", payer["payer_id"], name)
        found = company(bureau)
        outstanding, _, by_payer = owed(bureau)
        listed = {one["payer"]: one for one in found.manifest["names"]}
        # A text for a spreadsheet has an apostrophe where it could be taken for a formula; a name for QuickBooks has none.
        assert {"=1+1", "'=1+1"} <= set(found.open)
        assert set(REPLACED) - {'The "Best" Firm', "O\u2019Neil"} <= set(listed)
        assert not {"=1+1", "'=1+1"} & set(listed)
        assert found.open_by_payer() == by_payer
        assert found.total() == outstanding
        for name, (customer, reason) in REPLACED.items():
            assert re.fullmatch(customer, listed[name]["customer"])
            assert reason in " ".join(listed[name]["replaced"]), name
        # A younger payer of the same name changes no name of an older one.
        rows(
            own,
            "insert into payers (clinic_id, id, name, kind) select clinic_id, $1, 'SMITH- PARTNERS', kind from payers limit 1",
            _YOUNG,
        )
        assert company(bureau).names == found.names


_YOUNG = "ffffffff-ffff-7fff-bfff-ffffffffffff"


def test_exports_of_earlier_releases_are_listed_and_can_still_be_downloaded(bureau: Bureau) -> None:
    export = bureau.ready(Role.BILLING, EXPORT)
    rows(
        bureau.address,
        """update exports set format = 'csv', file_name = 'quickbooks-invoices-2026-01-01.csv',
        columns = '["number", "payer.name", "createdOn", "case.number", "billedAmount", "serviceDate"]', filter = '{}'
        where sha256 = decode($1, 'hex') and format = 'zip'""",
        export["sha256"],
    )
    query = "query ($id: ID!) { export(id: $id) { kind format contentType fileName columns downloadUrl } exports(first: 9) { nodes { id } } }"
    found = bureau.people[Role.BILLING].read(query, id=export["id"])
    assert export["id"] in {node["id"] for node in found["exports"]["nodes"]}
    told = found["export"]
    assert (told["kind"], told["format"], told["contentType"]) == (
        "QUICKBOOKS_INVOICES",
        "CSV",
        "text/csv; charset=utf-8",
    )
    assert httpx.get(told["downloadUrl"]).status_code == 200


# What happens to an invoice: an event, and a share of the balance in percent.
_EVENTS = (
    "reduce",
    "accept",
    "pay_part",
    "pay_all",
    "bounce",
    "write_off",
    "void",
    "deny",
    "change_payer",
    "settle",
    "give_up",
)
_LIVES = st.lists(
    st.tuples(st.integers(1, 999_999), st.lists(st.tuples(st.sampled_from(_EVENTS), st.integers(1, 99)), max_size=6)),
    min_size=1,
    max_size=4,
)


@dataclass
class Life:
    """An invoice, to which events happen if they are possible in their turn."""

    clinic: Clinic
    invoice: str

    def happen(self, event: str, percent: int) -> None:
        now = self.clinic.look(self.invoice, self.clinic.admin)
        possible = {row["name"] for row in now["availableTransitions"] if row["allowed"]}
        part = max(Decimal("0.01"), round(Decimal(now["balance"]) * percent / 100, 2))
        steps: dict[str, tuple[str, dict[str, Any]]] = {
            "reduce": ("agree_reduction", {"amount": f"{part}"}),
            "accept": ("accept_in_full", {}),
            "pay_part": ("record_cheque", {"amount": min(part, Decimal(now["balance"]))}),
            "pay_all": ("record_cheque", {"amount": Decimal(now["balance"])}),
            "bounce": ("return_cheque", {}),
            "write_off": ("write_off_invoice", {"reason": "As it happens"}),
            "void": ("void_invoice", {"reason": "As it happens"}),
            # A second denial comes while it is not submitted again.
            "deny": ("record_denial", {"deniedOn": now["submittedOn"] or TODAY, "reasonCode": "X1"}),
            "change_payer": ("change_payer", {"payerId": self.clinic.another_payer(now), "reason": "As it happens"}),
            "settle": ("settle_case", {}),
            "give_up": ("close_small_balance", {}),
        }
        needed, values = steps[event]
        # Where the payer owes nothing, only another payer could pay.
        if needed in possible and values.get("amount") != 0:
            self._step(needed, now, values)

    def _step(self, name: str, now: Any, values: dict[str, Any]) -> None:
        if name == "record_cheque":
            paid = f"{values['amount']:.2f}"
            self.clinic.pays(paid, {self.invoice: paid}, payerId=now["payer"]["id"])
        elif name == "return_cheque":
            self.clinic.bounces(self.clinic.latest_cheque(self.invoice), self.clinic.admin)
        elif name == "settle_case":
            self.clinic.settles(now["case"]["id"])
        else:
            self.clinic.step(mutation(name), self.invoice, self.clinic.admin, **values)


@pytest.fixture(scope="module")
def clinic(bureau: Bureau) -> Clinic:
    people = bureau.people
    return Clinic(people[Role.BILLING], people[Role.ADMIN], find_records(bureau.address), bureau.address)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(lives=_LIVES)
def test_quickbooks_shows_the_same_balances_whatever_happens_to_invoices(
    bureau: Bureau, clinic: Clinic, lives: list[tuple[int, list[tuple[str, int]]]]
) -> None:
    _check_lives(bureau, clinic, lives)


@pytest.mark.prove
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(lives=_LIVES)
def test_quickbooks_shows_the_same_balances_whatever_happens_to_many_invoices(
    bureau: Bureau, clinic: Clinic, lives: list[tuple[int, list[tuple[str, int]]]]
) -> None:
    _check_lives(bureau, clinic, lives)


def test_quickbooks_shows_the_same_balances_after_each_kind_of_event(bureau: Bureau, clinic: Clinic) -> None:
    partly = [("reduce", 70), ("pay_part", 30)]
    lives = [partly, [*partly, ("bounce", 1)], [*partly, ("write_off", 1)], [*partly, ("pay_all", 1), ("settle", 1)]]
    small = [*partly, ("pay_part", 99), ("pay_part", 99), ("give_up", 1)]
    lives += [small, [*small, ("bounce", 1)], [*small, ("settle", 1)]]
    lives += [[("void", 1)], [("deny", 1), ("change_payer", 1)], [*partly, ("bounce", 1), ("change_payer", 1)]]
    _check_lives(bureau, clinic, [(123_456, life) for life in lives])


def _check_lives(bureau: Bureau, clinic: Clinic, lives: list[tuple[int, list[tuple[str, int]]]]) -> None:
    for cents, events in lives:
        life = Life(clinic, clinic.submitted(f"{Decimal(cents) / 100:.2f}"))
        for event in events:
            life.happen(*event)
    outstanding, count, by_payer = owed(bureau)
    found = company(bureau)
    assert (found.total(), len(found.invoices), found.open_by_payer()) == (outstanding, count, by_payer)
    found = company(bureau, filter={"status": ALL})
    assert (found.total(), found.open_by_payer()) == (outstanding, by_payer)
