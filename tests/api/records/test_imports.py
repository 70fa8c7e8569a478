"""Imports: staff import uploaded files of the kinds that their role may; everything else is refused and writes nothing."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from db.global_ids import make_id
from domain.access.people import Role
from domain.documents.uploads import CSV, XLSX
from domain.imports import ImportKind
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from tests.storage.stores import Folder
from tests.support.api.scans import (
    PDF,
    RECORD,
    House,
    announced,
    cheque_for,
    created,
    document,
    house_over,
    sent,
    waiting,
)
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, rows
from tests.support.other_clinic import add_other_clinic

IMPORT = """mutation ($input: ImportRecordsInput!) { importRecords(input: $input) {
    report: importReport {
        kind rows added changed unchanged badRows badCells { line column value: cellValue reason } written: isWritten }
    errors { __typename message code path } } }"""
HEADER = "code,label,base_price,valid_from\n"
LIST = HEADER + "L9001,Collar,42.75,2026-01-01\nL9002,Brace,12.00,2026-01-01\n"


@pytest.fixture(scope="module")
def house(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from house_over(address, Folder(tmp_path_factory.mktemp("home")))


def a_list(client: Client, text: str, **more: Any) -> str:
    """The id of an uploaded CSV file."""
    return sent(client, text.encode(), **{"fileName": "codes.csv", "contentType": CSV, **more})


def imported(client: Client, document_id: str, **more: Any) -> Any:
    return client.read(IMPORT, input={"kind": "CODES", "documentId": document_id, **more})["importRecords"]


def fresh(prefix: str) -> str:
    """A list of two codes that no other test uses."""
    return LIST.replace("L900", prefix)


def prices(house: House) -> list[Any]:
    queries = ("cpt_codes", "fee_schedules", "fee_schedule_rates", "idempotency_keys")
    return [sorted(row[0] for row in rows(house.address, f"select t::text from {table} t")) for table in queries]


def consumed(house: House, document_id: str) -> bool:
    return document(house, document_id)["consumed_at"] is not None


def test_an_administrator_imports_a_file_and_the_same_file_again_changes_nothing(house: House) -> None:
    text = fresh("A")
    first = imported(house.admin, a_list(house.admin, text))
    assert first["errors"] == []
    assert first["report"] == {
        "kind": "CODES",
        "rows": 2,
        "added": 2,
        "changed": 0,
        "unchanged": 0,
        "badRows": 0,
        "badCells": [],
        "written": True,
    }
    before = prices(house)
    again = imported(house.admin, a_list(house.admin, text))["report"]
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 2)
    assert prices(house) == before
    query = '{ cptCodes(filter: {code: "A1"}) { nodes { label basePrice validFrom } } }'
    assert house.biller.read(query)["cptCodes"]["nodes"] == [
        {"label": "Collar", "basePrice": "42.75", "validFrom": "2026-01-01"}
    ]


def test_fee_schedules_are_imported_from_a_file_of_their_own(house: House) -> None:
    imported(house.admin, a_list(house.admin, fresh("F")))
    text = "schedule,valid_from,code,rate\nOf a file,2026-01-01,F1,40.00\n"
    assert imported(house.admin, a_list(house.admin, text), kind="FEE_SCHEDULES")["report"]["added"] == 1
    query = "{ feeSchedules { name rates { nodes { code rate } } } }"
    found = {node["name"]: node["rates"]["nodes"] for node in house.admin.read(query)["feeSchedules"]}
    assert found["Of a file"] == [{"code": "F1", "rate": "40.00"}]


PEOPLE = {
    "ATTORNEYS": ("name,firm,phone", "Ada Filed,Filed & Co,555-0100", "attorneys", "{ name firm phone }"),
    "PAYERS": ("name,kind,attorney", "Filed & Co,ATTORNEY,Ada Filed", "payers", "{ name kind }"),
    "PHYSICIANS": ("name,npi", "Dr. Filed,0000000097", "physicians", "{ name npi }"),
    "FACILITIES": ("name,geographic_factor", "Filed House,1.0500", "facilities", "{ name geographicFactor }"),
    "PATIENTS": ("mrn,first_name,last_name,phone", "F-1,Pat,Filed,555-0100", "patients", "{ name phone }"),
    "CASES": (
        "number,patient_mrn,attorney,date_of_injury,opened_on",
        "FILED-1,F-1,Ada Filed,2026-01-05,2026-01-09",
        "cases",
        "{ number dateOfInjury attorney { firm } patient { mrn } }",
    ),
}
FOUND = {
    "ATTORNEYS": {"name": "Ada Filed", "firm": "Filed & Co", "phone": "555-0100"},
    "PAYERS": {"name": "Filed & Co", "kind": "ATTORNEY"},
    "PHYSICIANS": {"name": "Dr. Filed", "npi": "0000000097"},
    "FACILITIES": {"name": "Filed House", "geographicFactor": "1.0500"},
    "PATIENTS": {"name": "Pat Filed", "phone": "555-0100"},
    "CASES": {
        "number": "FILED-1",
        "dateOfInjury": "2026-01-05",
        "attorney": {"firm": "Filed & Co"},
        "patient": {"mrn": "F-1"},
    },
}
# The kinds that billing staff import; the other kinds are for administrators only.
OF_STAFF = ("REASON_CODES", "PAYERS", "ATTORNEYS", "PATIENTS", "CASES", "INVOICES")
FILTERED = ("payers", "patients", "cases")


def test_each_role_imports_its_kinds_and_the_records_are_found_by_name(house: House) -> None:
    for kind, (header, line, listed, fields) in PEOPLE.items():
        client = house.biller if kind in OF_STAFF else house.admin
        file = a_list(client, f"{header}\n{line}\n")
        assert imported(client, file, kind=kind)["report"]["added"] == 1, kind
        again = imported(client, a_list(client, f"{header}\n{line}\n"), kind=kind)["report"]
        assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 1), kind
        wanted = '(filter: {search: "filed"})' if listed in FILTERED else '(search: "filed")'
        query = f"{{ {listed}{wanted} {{ nodes {fields} }} }}"
        assert house.biller.read(query)[listed]["nodes"] == [FOUND[kind]]


def test_administrators_import_the_tree_of_exams_and_change_it(house: House) -> None:
    imported(house.admin, a_list(house.admin, fresh("E")))
    for code, (added, changed) in {"E1": (2, 0), "E2": (0, 1)}.items():
        file = a_list(house.admin, f"name,parent,code\nFiled part,Filed exam,{code}\nFiled exam,,\n")
        report = imported(house.admin, file, kind="EXAM_TYPES")["report"]
        assert (report["added"], report["changed"], report["badCells"]) == (added, changed, [])
        found = house.biller.read("{ examTypes { name subExams { name code } } }")["examTypes"]
        assert {"name": "Filed exam", "subExams": [{"name": "Filed part", "code": code}]} in found


OPENINGS = {
    "PATIENTS": "mrn,first_name,last_name\nO-1,Opal,Brought\n",
    "PAYERS": "name,kind\nBrought Mutual,INSURANCE\n",
    "CASES": "number,patient_mrn,date_of_injury,opened_on\nBROUGHT-1,O-1,2026-01-05,2026-01-09\n",
    "INVOICES": "Invoice number,Case number,Billed amount,Status,Payer,Created on,Service date,Submitted on,Agreed amount,Received amount\n"
    "B-1,BROUGHT-1,900.00,PENDING_INVOICE,Brought Mutual,2026-01-12,2026-01-10,2026-01-14,,\n"
    "B-2,BROUGHT-1,800.00,PENDING_CHEQUE,Brought Mutual,2026-01-12,2026-01-10,2026-01-14,600.00,150.25\n",
}
BROUGHT = """query ($number: String!) { invoiceByNumber(number: $number) { id status balance submittedOn
    lines { cptCode label amount } cheques { amount cheque { number amount documentUrl } } history { transition by { name } } } }"""


def test_billing_staff_continue_with_imported_open_invoices(house: House) -> None:
    for kind, text in OPENINGS.items():
        assert imported(house.biller, a_list(house.biller, text), kind=kind)["report"]["written"], kind
    found = house.biller.read(BROUGHT, number="B-2")["invoiceByNumber"]
    assert (found["status"], found["balance"], found["submittedOn"]) == ("PENDING_CHEQUE", "449.75", "2026-01-14")
    assert found["lines"] == [{"cptCode": "OPENING", "label": "Opening balance", "amount": "800.00"}]
    cheque = {"number": "OPENING B-2", "amount": "150.25", "documentUrl": None}
    assert found["cheques"] == [{"amount": "150.25", "cheque": cheque}]
    importer = house.biller.read("{ viewer { name } }")["viewer"]["name"]
    steps = [(event["transition"], event["by"]["name"]) for event in found["history"]]
    expected = ("create_invoice", "submit_invoice", "request_reduction", "agree_reduction", "record_cheque")
    assert steps == [(step, importer) for step in expected]
    waiting = house.biller.read(BROUGHT, number="B-1")["invoiceByNumber"]["id"]
    step = "mutation ($id: ID!) { acceptInFull(input: {invoiceId: $id}) { invoice { status balance } errors { message } } }"
    accepted = house.biller.read(step, id=waiting)["acceptInFull"]
    assert accepted == {"invoice": {"status": "PENDING_CHEQUE", "balance": "900.00"}, "errors": []}


def test_a_dry_run_reports_the_same_and_writes_nothing_and_the_file_can_still_be_imported(house: House) -> None:
    file, before = a_list(house.admin, fresh("D")), prices(house)
    tried = imported(house.admin, file, dryRun=True, idempotencyKey="dry")
    assert (prices(house), consumed(house, file)) == (before, False)
    done = imported(house.admin, file)
    assert tried == {**done, "report": {**done["report"], "written": False}}
    assert done["report"]["added"] == 2


@pytest.mark.parametrize("dry_run", [False, True])
def test_invalid_rows_are_named_and_nothing_is_written(house: House, dry_run: bool) -> None:
    text = fresh("B") + "B3,Brace,dear,2026-01-01\n"
    file, before = a_list(house.admin, text), prices(house)
    payload = imported(house.admin, file, dryRun=dry_run, idempotencyKey=f"bad {dry_run}")
    [error] = payload["errors"]
    assert (error["message"], error["path"]) == (
        "1 of 3 rows cannot be imported: nothing was written",
        ["input", "documentId"],
    )
    report = payload["report"]
    assert (report["rows"], report["badRows"], report["written"]) == (3, 1, False)
    [cell] = report["badCells"]
    assert (cell["line"], cell["column"], cell["value"]) == (4, "base_price", "dear")
    assert (prices(house), consumed(house, file)) == (before, False)


def test_a_repeated_idempotency_key_is_one_import(house: House) -> None:
    file = a_list(house.admin, fresh("K"))
    first = imported(house.admin, file, idempotencyKey="list-1")["report"]
    before = prices(house)
    again = imported(house.admin, file, idempotencyKey="list-1")
    assert (first["added"], again["report"]["unchanged"], again["errors"]) == (2, 2, [])
    assert prices(house) == before


def test_a_file_missing_in_the_store_is_reported_and_the_import_can_be_repeated(house: House) -> None:
    file = a_list(house.admin, fresh("G"))
    kept = document(house, file)
    rows(house.address, "update documents set blob_key = 'nowhere' where id = $1", kept["id"])
    [error] = house.admin.ask(IMPORT, input={"kind": "CODES", "documentId": file})["errors"]
    assert (error["message"], error["extensions"]["code"]) == (
        "The file storage cannot be reached: try again",
        "UNAVAILABLE",
    )
    rows(house.address, "update documents set blob_key = $2 where id = $1", kept["id"], kept["blob_key"])
    assert imported(house.admin, file)["report"]["added"] == 2


def test_a_file_is_imported_once(house: House) -> None:
    file = a_list(house.admin, fresh("O"))
    imported(house.admin, file)
    payload = imported(house.admin, file)
    assert (payload["report"], len(payload["errors"])) == (None, 1)


@pytest.mark.parametrize("role", [Role.BILLING, Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, None])
def test_only_administrators_import_codes(house: House, role: Role | None) -> None:
    file, before = a_list(house.admin, fresh("R")), prices(house)
    client = house.anonymous.signed_in(f"{role}@demo.example") if role else house.anonymous
    assert client.refusals(IMPORT, input={"kind": "CODES", "documentId": file})
    assert (prices(house), consumed(house, file)) == (before, False)


def test_a_kind_for_administrators_does_not_exist_for_billing_staff(house: House) -> None:
    query = '{ __type(name: "ImportKind") { enumValues { name } } }'
    offered = {value["name"] for value in house.biller.read(query)["__type"]["enumValues"]}
    assert offered == set(OF_STAFF)
    file, before = a_list(house.biller, fresh("E")), prices(house)
    for kind in {kind.name for kind in ImportKind} - offered:
        of_kind, of_unknown = (
            house.biller.refusals(IMPORT, input={"kind": name, "documentId": file}) for name in (kind, "X" * len(kind))
        )
        assert of_kind == [message.replace("X" * len(kind), kind) for message in of_unknown]
    assert (prices(house), consumed(house, file)) == (before, False)


def test_a_kind_that_a_role_s_schema_lacks_is_refused_at_run_time_too(
    own_address: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(role_schemas(), Role.BILLING, role_schemas()[Role.ADMIN])
    before = rows(own_address, "select count(*) from cpt_codes")
    with serving(own_address) as url, Client(url) as anonymous, anonymous.signed_in("billing@demo.example") as biller:
        for kind in ("CODES", "FEE_SCHEDULES", "PHYSICIANS", "FACILITIES"):
            payload = imported(biller, a_list(biller, fresh("L")), kind=kind)
            [error] = payload["errors"]
            assert (payload["report"], error["message"]) == (None, "There is no such kind of file")
            assert error["path"] == ["input", "kind"]
    assert rows(own_address, "select count(*) from cpt_codes") == before


def test_another_user_s_file_and_an_unknown_file_are_refused_alike(house: House) -> None:
    theirs, before = a_list(house.biller, fresh("S")), prices(house)
    unsent = created(house.admin, fileName="codes.csv", contentType=CSV)["id"]
    cheque = make_id("Cheque", rows(house.address, "select id from cheques limit 1")[0][0])
    answers = [imported(house.admin, file) for file in (theirs, unsent, cheque)]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["errors"][0]["message"] == "There is no such uploaded file"
    assert (prices(house), consumed(house, theirs)) == (before, False)


SIGN_IN = """mutation ($clinic: String!, $password: String!) {
    signIn(input: {email: "admin@demo.example", clinic: $clinic, password: $password}) { token } }"""


def test_the_file_of_another_clinic_is_refused_and_imports_only_into_its_own_clinic(
    own_address: DatabaseUrls,
) -> None:
    other = add_other_clinic(own_address)
    query = "select clinic_id from cpt_codes where code = 'C1'"
    with serving(own_address) as url, Client(url) as anonymous:
        ours, theirs = (
            anonymous.read(SIGN_IN, clinic=clinic, password=PASSWORD)["signIn"]["token"] for clinic in ("demo", "other")
        )
        with Client(url, ours) as admin, Client(url, theirs) as stranger:
            file = a_list(stranger, fresh("C"))
            assert imported(admin, file)["errors"][0]["message"] == "There is no such uploaded file"
            assert rows(own_address, query) == []
            assert imported(stranger, file)["report"]["added"] == 2
    assert [row[0] for row in rows(own_address, query)] == [other]


def test_a_scan_is_no_list_and_a_list_is_no_scan(house: House) -> None:
    scan, before = sent(house.admin), prices(house)
    [error] = imported(house.admin, scan)["errors"]
    assert error["message"] == "This file is a scan; only CSV and XLSX files can be imported"
    file = a_list(house.admin, fresh("N"))
    refused = house.admin.read(RECORD, input=cheque_for(waiting(house.admin), file))["recordCheque"]
    assert (refused["cheque"], refused["errors"][0]["path"]) == (None, ["input", "documentId"])
    assert (prices(house), consumed(house, scan), consumed(house, file)) == (before, False, False)


@pytest.mark.parametrize(("kind", "body"), [(XLSX, LIST.encode()), (CSV, PDF), (CSV, b"PK\x03\x04")])
def test_a_file_of_another_kind_than_announced_is_refused(house: House, kind: str, body: bytes) -> None:
    upload = house.admin.read(
        "mutation ($input: CreateUploadInput!) { createUpload(input: $input) { upload { id uploadUrl } } }",
        input=announced(body, "codes", kind),
    )["createUpload"]["upload"]
    assert httpx.put(upload["uploadUrl"], content=body).status_code == 415
    assert document(house, upload["id"])["stored_at"] is None


def test_other_requests_are_answered_while_a_large_file_is_read(house: House) -> None:
    text = HEADER + "".join(f"W{n},Wide,1.00,2026-01-01\n" for n in range(20_000))
    file = a_list(house.admin, text)
    longest = asyncio.run(_slowest_query_during(house, file))
    assert longest < 2


async def _slowest_query_during(house: House, file: str) -> float:
    """The longest time of many small queries while a file is dry-run."""
    slowest, work = 0.0, asyncio.create_task(asyncio.to_thread(imported, house.admin, file, dryRun=True))
    while not work.done():
        began = time.monotonic()
        await asyncio.to_thread(house.biller.read, "{ viewer { id } }")
        slowest = max(slowest, time.monotonic() - began)
        await asyncio.sleep(0.01)
    assert (await work)["report"]["added"] == 20_000
    return slowest
