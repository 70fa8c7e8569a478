"""Records of the time before normal forms: their texts are cleaned, and those that become the same are kept, marked and listed."""

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from click.testing import CliRunner

from db.global_ids import make_id
from db.migrate import migrate
from domain.normal_forms import name_fragments
from server.cli import main
from server.database_urls import DatabaseUrls, bring_up_to_date
from tests.support.databases import rows

_BEFORE = "0018"
_CLINIC = "(select clinic_id from clinics where short_name = 'demo')"


def add(address: DatabaseUrls, table: str, **columns: Any) -> UUID:
    identity = uuid4()
    values = ", ".join(f"${place}" for place in range(1, len(columns) + 2))
    rows(
        address,
        f"insert into {table} (clinic_id, id, {', '.join(columns)}) select {_CLINIC}, {values} returning id",
        identity,
        *columns.values(),
    )
    return identity


def a_patient(address: DatabaseUrls, mrn: str, first: str = "Pat", last: str = "Quill", **columns: Any) -> UUID:
    return add(address, "patients", mrn=mrn, first_name=first, last_name=last, sort_name=f"{last} {first}", **columns)


def one(address: DatabaseUrls, table: str, columns: str, identity: UUID) -> tuple[Any, ...]:
    [row] = rows(address, f"select {columns} from {table} where id = $1", identity)
    return tuple(row)


def test_texts_are_cleaned_and_keys_are_set(before: DatabaseUrls) -> None:
    odd = a_patient(before, " Z-9\u00a0", "Rene\u0301", "O\u2019Neil", phone="+1 (555) 867-5309")
    rows(before, f"insert into patient_names select {_CLINIC}, 'o\u2019neil', $1", odd)
    plain = a_patient(before, "Z-10", "Ann", "Smith-Jones")
    attorney = add(before, "attorneys", name="Jose\u0301 Vega", firm="Vega  & Sons")
    hidden = a_patient(before, "Z-11", "A\u00adnn", "\u202eVega")
    unseen = add(before, "payers", name="Acme\u200b", kind="insurance", name_fragments=["acme\u200b"])
    payer = add(before, "payers", name="Esmé Mutual", kind="insurance", name_fragments=["esmé mutual"])
    code = add(before, "cpt_codes", code="zx101", label="A", base_price=Decimal("1.00"), valid_from=date(2026, 1, 1))
    asyncio.run(bring_up_to_date(before))
    columns = "mrn, mrn_key, first_name, sort_name, phone_key, is_duplicate"
    assert one(before, "patients", columns, odd) == ("Z-9", "z-9", "René", "o'neil rene", "5558675309", False)
    assert one(before, "patients", "mrn, mrn_key", plain) == ("Z-10", "z-10")
    for identity, names in ((odd, ("René", "O\u2019Neil")), (plain, ("Ann", "Smith-Jones")), (hidden, ("Ann", "Vega"))):
        found = rows(before, "select fragment from patient_names where patient_id = $1", identity)
        assert {row[0] for row in found} == set(name_fragments(*names))
    assert one(before, "attorneys", "name, name_key", attorney) == ("José Vega", "jose vega vega & sons")
    assert one(before, "payers", "name, name_key, name_fragments[2]", payer) == ("Esmé Mutual", "esme mutual", "mutual")
    assert one(before, "patients", "first_name, sort_name", hidden) == ("Ann", "vega ann")
    assert one(before, "payers", "name, name_key", unseen) == ("Acme", "acme")
    assert one(before, "cpt_codes", "code", code) == ("ZX101",)
    demo = "select count(*) from patients where mrn_key <> lower(mrn) or mrn_key is null"
    assert rows(before, demo)[0][0] == 0
    law = "select count(*) from payers where name_key is distinct from name_fragments[1]"
    assert rows(before, law)[0][0] == 0


def test_numbers_of_cheques_get_capitals_and_stay_guarded(before: DatabaseUrls) -> None:
    [(payer,)] = rows(before, f"select id from payers where clinic_id = {_CLINIC} order by id limit 1")
    day, amount = date(2026, 5, 5), Decimal("1.00")
    blank, longest = "\u200b", "\u00df" * 200
    cheques = [
        add(
            before,
            "cheques",
            payer_id=payer,
            number=number,
            amount=amount,
            cheque_date=day,
            received_on=day,
            imported=True,
        )
        for number in ("chq7", blank, longest)
    ]
    asyncio.run(bring_up_to_date(before))
    assert [one(before, "cheques", "number", each)[0] for each in cheques] == ["CHQ7", blank, longest]
    with pytest.raises(asyncpg.CheckViolationError):
        rows(before, "update cheques set number = 'CHQ8' where id = $1", cheques[0])


def test_imported_numbers_get_capitals_but_for_the_format_of_the_server(before: DatabaseUrls) -> None:
    found = [row[0] for row in rows(before, f"select id from invoices where clinic_id = {_CLINIC} order by id limit 3")]
    for identity, number in zip(found, ("inv-9", "low 1", "inv-2025-000777"), strict=True):
        rows(before, "update invoices set number = $2 where id = $1", identity, number)
    asyncio.run(bring_up_to_date(before))
    numbers = [one(before, "invoices", "number", identity)[0] for identity in found]
    assert numbers == ["INV-9", "LOW 1", "inv-2025-000777"]


def test_records_that_become_the_same_stay_and_are_listed(
    before: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (a_patient(before, mrn) for mrn in ("Z-9", "z-9 ", "Z\u20119"))
    codes = [
        add(before, "cpt_codes", code=code, label="A", base_price=Decimal("1.00"), valid_from=date(year, 1, 1))
        for code, year in (("zx102", 2025), ("ZX102", 2026))
    ]
    asyncio.run(bring_up_to_date(before))
    kept = {identity: one(before, "patients", "mrn, is_duplicate", identity) for identity in (first, second, third)}
    assert {mrn for mrn, _ in kept.values()} == {"Z-9", "z-9", "Z\u20119"}
    assert sorted(is_duplicate for _, is_duplicate in kept.values()) == [False, True, True]
    assert [one(before, "cpt_codes", "code", identity) for identity in codes] == [("zx102",), ("ZX102",)]
    monkeypatch.setenv("DATABASE_URL", before.owner)
    listed = CliRunner().invoke(main, ["duplicates"])
    assert listed.exit_code == 0
    [patients, same_codes, total] = listed.output.splitlines()
    assert set(patients.split()) == {"demo:", "Patient", *(make_id("Patient", each) for each in kept)}
    assert set(same_codes.split()) == {"demo:", "CptCode", *(make_id("CptCode", each) for each in codes)}
    assert total == "2 numbers or names have several records."
    assert "`billing duplicates` lists them" in CliRunner().invoke(main, ["migrate"]).output


def test_a_downgrade_and_an_upgrade_keep_the_records(before: DatabaseUrls) -> None:
    odd = a_patient(before, "Z-9\u00a0")
    asyncio.run(bring_up_to_date(before))
    asyncio.run(migrate(before.owner, revision=_BEFORE))
    assert one(before, "patients", "mrn", odd) == ("Z-9",)
    asyncio.run(bring_up_to_date(before))
    assert one(before, "patients", "mrn_key", odd) == ("z-9",)
