"""Imports by the number or name of a merged record are about the one that stays."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.imports import ImportKind
from domain.normal_forms import name_fragments, normal_key
from server.database_urls import DatabaseUrls
from tests.imports.imported_files import CLINIC, bad_cells, broken, counts, imported
from tests.support.databases import rows


def a_payer(address: DatabaseUrls, name: str, **values: Any) -> UUID:
    columns = {"name": name, "kind": "insurance", "name_fragments": name_fragments(name), **values}
    return _add(address, "payers", columns)


def a_patient(address: DatabaseUrls, mrn: str, last_name: str, **values: Any) -> UUID:
    named = {"first_name": "Ada", "last_name": last_name, "sort_name": f"{last_name.lower()} ada"}
    return _add(address, "patients", {"mrn": mrn, "mrn_key": normal_key(mrn), **named, **values})


def _add(address: DatabaseUrls, table: str, columns: dict[str, Any]) -> UUID:
    identity = uuid4()
    places = ", ".join(f"${place}" for place in range(2, len(columns) + 2))
    query = f"insert into {table} (clinic_id, id, {', '.join(columns)}) values ({CLINIC}, $1, {places})"
    rows(address, query, identity, *columns.values())
    return identity


def merged(address: DatabaseUrls, kind: str, old: UUID, new: UUID) -> None:
    rows(
        address,
        f"""insert into merges (clinic_id, id, merged_{kind}_id, surviving_{kind}_id, before, merged_at)
        values ({CLINIC}, gen_random_uuid(), $1, $2, '{{}}', now())""",
        old,
        new,
    )


def one(address: DatabaseUrls, table: str, columns: str, identity: UUID) -> tuple[Any, ...]:
    return tuple(rows(address, f"select {columns} from {table} where id = $1", identity)[0])


@pytest.fixture
def patients(own_address: DatabaseUrls) -> tuple[UUID, UUID]:
    """A patient who was merged, and the one who stays."""
    old, new = a_patient(own_address, "OLD-1", "Byron"), a_patient(own_address, "NEW-1", "Lovelace")
    merged(own_address, "patient", old, new)
    return old, new


@pytest.mark.parametrize(("mrn", "name"), [("OLD-1", "Byron"), ("OLD-1", "Lovelace"), ("NEW-1", "Lovelace")])
def test_a_row_with_either_record_number_changes_the_patient_who_stays(
    own_address: DatabaseUrls, patients: tuple[UUID, UUID], mrn: str, name: str
) -> None:
    text = f"mrn,first_name,last_name,phone\n{mrn},Ada,{name},555-0142\n"
    assert counts(imported(own_address, ImportKind.PATIENTS, text)) == (0, 1, 0, 0)
    columns = "mrn, mrn_key, last_name, phone"
    assert one(own_address, "patients", columns, patients[1]) == ("NEW-1", "new-1", name, "555-0142")
    assert one(own_address, "patients", columns, patients[0]) == ("OLD-1", "old-1", "Byron", None)
    assert counts(imported(own_address, ImportKind.PATIENTS, text)) == (0, 0, 1, 0)
    assert broken(own_address) == ()


def test_two_rows_about_one_person_have_to_agree(own_address: DatabaseUrls, patients: tuple[UUID, UUID]) -> None:
    text = "mrn,first_name,last_name,phone\nNEW-1,Ada,Lovelace,555-0142\nOLD-1,Ada,Lovelace,{}\n"
    assert counts(imported(own_address, ImportKind.PATIENTS, text.format("555-0142"))) == (0, 2, 0, 0)
    refused = bad_cells(imported(own_address, ImportKind.PATIENTS, text.format("555-0143")))
    assert [(line, column) for line, column, _, _ in refused] == [(3, "phone")]
    assert "line 2" in refused[0][3].lower()


def test_a_case_of_either_record_number_is_of_the_patient_who_stays(
    own_address: DatabaseUrls, patients: tuple[UUID, UUID]
) -> None:
    header = "number,patient_mrn,date_of_injury,opened_on\n"
    new = f"{header}M-1,OLD-1,2026-01-05,2026-01-06\n"
    assert counts(imported(own_address, ImportKind.CASES, new)) == (1, 0, 0, 0)
    [(patient,)] = rows(own_address, "select patient_id from cases where number = 'M-1'")
    assert patient == patients[1]
    # Its row is the same under either number, also where the case was opened for the merged record.
    opened = {"number": "M-2", "number_key": "m-2", "patient_id": patients[0]}
    days = {"date_of_injury": date(2026, 1, 5), "opened_on": date(2026, 1, 6)}
    _add(own_address, "cases", {**opened, **days})
    for number in ("M-1", "M-2"):
        for mrn in ("OLD-1", "NEW-1"):
            text = new.replace("OLD-1", mrn).replace("M-1", number)
            assert counts(imported(own_address, ImportKind.CASES, text)) == (0, 0, 1, 0)
    other = a_patient(own_address, "X-1", "Other")
    assert other
    assert counts(imported(own_address, ImportKind.CASES, new.replace("OLD-1", "X-1")))[3] == 1


def test_a_payer_is_found_by_either_name(own_address: DatabaseUrls, patients: tuple[UUID, UUID]) -> None:
    old, new = a_payer(own_address, "Old Mutual"), a_payer(own_address, "New Mutual")
    merged(own_address, "payer", old, new)
    text = "name,kind,phone\n{},INSURANCE,555-0142\n"
    assert counts(imported(own_address, ImportKind.PAYERS, text.format("Old Mutual"))) == (0, 1, 0, 0)
    assert one(own_address, "payers", "name, phone", new) == ("New Mutual", "555-0142")
    assert counts(imported(own_address, ImportKind.PAYERS, text.format("New Mutual"))) == (0, 0, 1, 0)
    imported(
        own_address, ImportKind.CASES, "number,patient_mrn,date_of_injury,opened_on\nM-1,OLD-1,2026-01-05,2026-01-06\n"
    )
    opening = "invoice_number,case_number,patient_name,billed_amount,status,payer,created_on,service_date\n"
    for number, payer, name in (("A-1", "Old Mutual", "Ada Byron"), ("A-2", "New Mutual", "Ada Lovelace")):
        text = f"{opening}{number},M-1,{name},100.00,PENDING_INVOICE,{payer},2026-03-01,2026-02-01\n"
        assert counts(imported(own_address, ImportKind.INVOICES, text)) == (1, 0, 0, 0)
        assert counts(imported(own_address, ImportKind.INVOICES, text)) == (0, 0, 1, 0)
    found = rows(own_address, "select distinct payer_id from invoices where number in ('A-1', 'A-2')")
    assert [row[0] for row in found] == [new]
    assert broken(own_address) == ()


def test_payers_of_one_name_that_are_merged_are_one(own_address: DatabaseUrls) -> None:
    old, new = a_payer(own_address, "Twin Mutual"), a_payer(own_address, "TWIN Mutual")
    text = "name,kind,phone\nTwin Mutual,INSURANCE,555-0142\n"
    assert counts(imported(own_address, ImportKind.PAYERS, text))[3] == 1
    merged(own_address, "payer", old, new)
    assert counts(imported(own_address, ImportKind.PAYERS, text)) == (0, 1, 0, 0)
    assert one(own_address, "payers", "phone", new) == ("555-0142",)


def test_a_schedule_of_either_payer_is_one_of_the_payer_that_stays(own_address: DatabaseUrls) -> None:
    old, new = a_payer(own_address, "Old Mutual"), a_payer(own_address, "New Mutual")
    [(code,)] = rows(
        own_address, f"select code from cpt_codes where clinic_id = {CLINIC} and active order by code limit 1"
    )
    text = "schedule,payer,valid_from,code,rate\n2026,{},2026-01-01," + code + ",{}\n"
    assert counts(imported(own_address, ImportKind.FEE_SCHEDULES, text.format("Old Mutual", "10.00")))[0] == 1
    merged(own_address, "payer", old, new)
    for payer in ("Old Mutual", "New Mutual"):
        assert counts(imported(own_address, ImportKind.FEE_SCHEDULES, text.format(payer, "10.00"))) == (0, 0, 1, 0)
    assert counts(imported(own_address, ImportKind.FEE_SCHEDULES, text.format("New Mutual", "11.00"))) == (0, 1, 0, 0)
