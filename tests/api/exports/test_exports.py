"""Exports contain what their user may see and nothing else, agree with their stated totals, and are readable in other programs."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from domain.access.people import Role
from domain.formulas import unguard
from exports.columns import COLUMNS
from server.embedded.postgres import EmbeddedPostgres
from tests.storage.stores import Folder
from tests.support.databases import copied, rows
from tests.support.files.export_files import Bureau, bureau_over

HEADERS = """Invoice number,Case number,Patient name,Billed amount,Status,Payer,Physician,Facility,Created on,Service date,Submitted on,
Contractual adjustments,Agreed amount,Received amount,Written off,Balance,Aging bucket,Paid on""".replace("\n", "")
FOR_OTHERS = HEADERS[: HEADERS.index(",Submitted on")]
SEEN = {
    Role.ADMIN: HEADERS,
    Role.BILLING: HEADERS,
    Role.PHYSICIAN: FOR_OTHERS,
    Role.ATTORNEY: FOR_OTHERS,
    Role.ANALYST: "Invoice number,Billed amount,Status,Payer,Physician,Facility,Created on,Service date,"
    "Agreed amount,Received amount,Written off,Balance,Aging bucket",
}


@pytest.fixture(scope="module")
def bureau(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bureau]:
    with (
        copied(postgres_server, template_database) as address,
        bureau_over(address, Folder(tmp_path_factory.mktemp("home"))) as found,
    ):
        yield found


def total(bureau: Bureau, what: str) -> Any:
    return rows(bureau.address, f"select {what} from invoices")[0][0]


@pytest.mark.parametrize("role", list(Role))
def test_a_file_has_the_columns_that_its_role_sees_and_the_rows_within_its_reach(bureau: Bureau, role: Role) -> None:
    text = bureau.fetched(role).decode("utf-8-sig")
    assert text.partition("\r\n")[0] == SEEN[role]
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    nodes = bureau.people[role].read("{ invoices(first: 500) { totalCount nodes { number billedAmount } } }")
    assert len(found) == nodes["invoices"]["totalCount"]
    assert {row["Invoice number"]: row["Billed amount"] for row in found} == {
        node["number"]: node["billedAmount"] for node in nodes["invoices"]["nodes"]
    }


@pytest.mark.parametrize("role", list(Role))
def test_every_offered_column_contains_what_the_role_reads_by_query(bureau: Bureau, role: Role) -> None:
    refused = bureau.ask(role, columns=["no.such"])["errors"][0]["message"]
    paths = refused.removeprefix("Columns must be distinct and chosen from ").split(", ")
    headers = {column.path: column.header for column in next(iter(COLUMNS.values()))}
    file = {row["Invoice number"]: row for row in bureau.rows(role, columns=paths)}
    selection = " ".join(path.replace(".", " { ") + " }" * path.count(".") for path in paths)
    for node in bureau.people[role].read(f"{{ invoices(first: 500) {{ nodes {{ {selection} }} }} }}")["invoices"][
        "nodes"
    ]:
        for path in paths:
            value: Any = node
            for step in path.split("."):
                value = value and value[step]
            assert unguard(file[node["number"]][headers[path]]) == ("" if value is None else str(value)), path


def test_the_stated_totals_are_those_of_the_database_and_of_the_file(bureau: Bureau, tmp_path: Path) -> None:
    export = bureau.ready(Role.BILLING)
    received = bureau.people[Role.BILLING].read(
        "query ($id: ID!) { export(id: $id) { receivedTotal requestedBy { name } } }", id=export["id"]
    )["export"]
    body = httpx.get(export["downloadUrl"]).content
    (tmp_path / "invoices.csv").write_bytes(body)
    found = duckdb.read_csv(str(tmp_path / "invoices.csv"))
    sums = found.aggregate('count(*), sum("Billed amount"::decimal(14,2)), sum("Received amount"::decimal(14,2))')
    assert sums.fetchall() == [
        (export["rowCount"], Decimal(export["billedTotal"]), Decimal(received["receivedTotal"])),
    ]
    assert (export["rowCount"], Decimal(export["billedTotal"])) == (
        total(bureau, "count(*)"),
        total(bureau, "sum(billed_amount)"),
    )
    assert Decimal(received["receivedTotal"]) == total(bureau, "sum(received_amount)")
    assert (len(body), hashlib.sha256(body).hexdigest()) == (export["byteSize"], export["sha256"])
    assert received["requestedBy"]["name"]


def test_a_file_has_the_filter_of_the_list_and_stores_it(bureau: Bureau) -> None:
    wanted = {
        "status": ["PENDING_CHEQUE", "PAID"],
        "createdFrom": "2024-01-01",
        "billedMin": "50.00",
        "hasDueReminder": False,
        "search": "INV-202",
    }
    query = "query ($f: InvoiceFilter) { invoices(filter: $f, first: 500) { nodes { number } } }"
    listed = {n["number"] for n in bureau.people[Role.BILLING].read(query, f=wanted)["invoices"]["nodes"]}
    assert listed
    assert {row["Invoice number"] for row in bureau.rows(Role.BILLING, filter=wanted)} == listed
    assert json.loads(bureau.ready(Role.BILLING, filter=wanted)["filter"]) == wanted


@pytest.mark.parametrize("invalid_id", ["9" * 60, "7", "x"])
def test_an_invalid_id_is_refused_with_its_path(bureau: Bureau, invalid_id: str) -> None:
    document = "mutation ($input: ExportInvoicesInput!) { exportInvoices(input: $input) { export { id } } }"
    answer = bureau.people[Role.BILLING].post(document, input={"format": "CSV", "filter": {"payerId": invalid_id}})
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "filter.payerId"}


@pytest.mark.parametrize(
    ("role", "columns"),
    [
        (Role.ATTORNEY, ["agreedAmount"]),
        (Role.ATTORNEY, ["negotiation.reductionAmount"]),
        (Role.ATTORNEY, ["patient.birthDate"]),
        (Role.PHYSICIAN, ["receivedAmount"]),
        (Role.ANALYST, ["patient.name"]),
        (Role.BILLING, ["negotiation.floorAmount"]),
        (Role.BILLING, ["number", "number"]),
        (Role.BILLING, []),
        (Role.BILLING, ["number.x"]),
        (Role.BILLING, [""]),
    ],
)
def test_an_unknown_column_is_refused_with_a_list_of_the_known_ones(
    bureau: Bureau, role: Role, columns: list[str]
) -> None:
    payload = bureau.ask(role, columns=columns)
    assert payload["export"] is None
    [error] = payload["errors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "columns"])
    assert error["message"].startswith("Columns must be distinct and chosen from number, ")
    if role is Role.ATTORNEY:
        assert "agreed" not in error["message"]
        assert "negotiation" not in error["message"]


@pytest.mark.parametrize("name", ["exportPayments", "exportAdjustments", "exportQuickbooksInvoices"])
@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_accounting_files_are_for_billing_staff_only(bureau: Bureau, role: Role, name: str) -> None:
    refusals = bureau.people[role].refusals(f"mutation {{ {name}(input: {{format: CSV}}) {{ errors {{ message }} }} }}")
    assert any("Cannot query field" in message for message in refusals)


def test_billed_less_adjustments_and_payments_is_the_balance_of_every_invoice(bureau: Bureau) -> None:
    left = {row["Invoice number"]: Decimal(row["Billed amount"]) for row in bureau.rows(Role.BILLING)}
    payments, adjustments = (bureau.rows(Role.BILLING, name) for name in ("exportPayments", "exportAdjustments"))
    applied = [row for row in payments if row["Kind"] in ("ALLOCATION", "REVERSAL")]
    for row in (*applied, *adjustments):
        left[row["Invoice number"]] -= Decimal(row["Amount"])
    assert left == {row["Invoice number"]: Decimal(row["Balance"]) for row in bureau.rows(Role.BILLING)}
    assert {row["Kind"] for row in adjustments} == {"REDUCTION", "CONTRACTUAL", "SMALL_BALANCE", "WRITE_OFF", "VOID"}
    assert any(Decimal(row["Amount"]) < 0 for row in payments)
    assert any(Decimal(row["Amount"]) < 0 for row in adjustments)


def test_payments_are_the_allocations_of_the_selected_invoices(bureau: Bureau) -> None:
    wanted = {"status": ["PAID"]}
    found = bureau.rows(Role.ADMIN, "exportPayments", filter=wanted)
    query = """select sum(a.amount), count(*) from cheque_allocations a join invoices i on i.id = a.invoice_id where i.status = 'paid'"""
    [(amount, count)] = rows(bureau.address, query)
    assert (sum(Decimal(row["Amount"]) for row in found), len(found)) == (amount, count)
    export = bureau.ready(Role.ADMIN, "exportPayments", filter=wanted)
    received = bureau.people[Role.ADMIN].read("query ($i: ID!) { export(id: $i) { receivedTotal } }", i=export["id"])
    assert Decimal(received["export"]["receivedTotal"]) == amount


def test_a_file_is_listed_for_its_owner_only(bureau: Bureau) -> None:
    mine = bureau.ready(Role.ATTORNEY)["id"]
    for role, client in bureau.people.items():
        listed = {node["id"] for node in client.read("{ exports(first: 500) { nodes { id } } }")["exports"]["nodes"]}
        one = client.read("query ($id: ID!) { export(id: $id) { id } node(id: $id) { id } }", id=mine)
        assert (mine in listed) is (role is Role.ATTORNEY)
        assert one == (
            {"export": {"id": mine}, "node": {"id": mine}} if role is Role.ATTORNEY else {"export": None, "node": None}
        )


def test_the_audit_log_records_the_row_count_and_the_filter_of_a_file(bureau: Bureau) -> None:
    found = bureau.ready(Role.ANALYST, filter={"billedMin": "1.00"})
    [event] = rows(
        bureau.address,
        "select * from audit_events where operation = 'export' and role = 'analyst' order by at desc limit 1",
    )
    assert (event["row_count"], event["filters"]) == (found["rowCount"], ["InvoiceFilter.billedMin"])
    assert "Invoice.agreedAmount" in event["fields"]
    assert event["entities"] == b""
