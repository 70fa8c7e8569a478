"""Databases of the release that compared neither visits nor lines nor days: what breaks the new guards is kept, marked and listed."""

import asyncio
import re
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from click.testing import CliRunner

from db.global_ids import make_id
from db.migrate import migrate
from db.verify import EXCEPTIONS, LAWS
from server.cli import main
from server.database_urls import DatabaseUrls, bring_up_to_date
from tests.support.databases import rows

_BEFORE = "0022"
_COPY = """insert into invoices (clinic_id, id, number, case_id, patient_id, payer_id, physician_id, facility_id, encounter_id, created_on,
        service_date, billed_amount, updated_at) select clinic_id, $2, $3, case_id, patient_id, payer_id, physician_id, facility_id,
        {encounter}, created_on, service_date, billed_amount, now() from invoices where id = $1 returning id"""
_COPY_LINES = """insert into invoice_lines (clinic_id, id, invoice_id, position, code, label, units, bilateral, unit_price, amount,
        price_source, price_rate) select clinic_id, gen_random_uuid(), $2, position, code, label, units, bilateral, unit_price, amount,
        price_source, price_rate from invoice_lines where invoice_id = $1"""
_CREATED = """insert into invoice_events (clinic_id, id, invoice_id, seq, at, transition, to_status)
        select clinic_id, gen_random_uuid(), id, 1, updated_at, 'create_invoice', status from invoices where id = $1"""
_BILLED = "select * from invoices where encounter_id is not null and status = 'pending_invoice' order by number"


def bill_again(address: DatabaseUrls, invoice: UUID, *, encounter: str = "encounter_id", number: str) -> UUID:
    """Another invoice with the same lines, as the release before let billing staff create it."""
    identity = uuid4()
    rows(address, _COPY.format(encounter=encounter), invoice, identity, number)
    rows(address, _COPY_LINES, invoice, identity)
    rows(address, _CREATED, identity)
    return identity


def verified(address: DatabaseUrls) -> tuple[int, str]:
    answer = CliRunner().invoke(main, ["verify"], env={"DATABASE_URL": address.owner})
    return answer.exit_code, answer.output


def test_what_an_earlier_release_stored_is_marked_and_reported_apart_from_violations(before: DatabaseUrls) -> None:
    first, early, *_ = rows(before, _BILLED)
    twice = bill_again(before, first["id"], number="Z-EARLIER-1")
    rows(
        before, "update cases set date_of_injury = $2::date + 1 where id = $1", early["case_id"], early["service_date"]
    )
    asyncio.run(bring_up_to_date(before))
    marked = "select id, is_billed_twice from invoices where encounter_id = $1 order by number"
    assert {row["id"]: row["is_billed_twice"] for row in rows(before, marked, first["encounter_id"])} == {
        first["id"]: False,
        twice: True,
    }
    [[billed_by]] = rows(before, "select invoice_id from encounters where id = $1", first["encounter_id"])
    assert billed_by == first["id"]
    repeated = "select count(*) filter (where is_repeated), count(*) from invoice_lines where invoice_id = $1"
    [(all_of, count)] = rows(before, repeated, twice)
    assert all_of == count > 0
    for table, identity in (("invoices", early["id"]), ("encounters", early["encounter_id"])):
        [row] = rows(before, f"select before_injury_reason, before_injury_by from {table} where id = $1", identity)
        assert row["before_injury_reason"].startswith("Stored by a release")
        assert row["before_injury_by"] is None
    code, output = verified(before)
    assert code == 0, output
    assert output.startswith(f"{len(LAWS)} of {len(LAWS)} laws hold: ")
    told = "Known exceptions: Invoices that bill a visit which another invoice bills, stored by an earlier release: 1"
    assert f"{told}\n  {make_id('Invoice', twice)}\n" in output
    assert (
        f"Visits before the day of injury, stored by an earlier release or an import: 1\n  {make_id('Encounter', early['encounter_id'])}"
        in output
    )
    assert make_id("Invoice", early["id"]) in output
    assert "Repeated lines, stored by an earlier release or an import: " in output


def test_a_wrong_npi_of_an_earlier_release_is_counted_by_the_migration_and_listed(before: DatabaseUrls) -> None:
    # The check digit over 123456789 is 3, over 199999999 it is 2.
    npis = ("1234567893", "1999999992", "1234567890", "1999999990", "123456789", "NPI 123456")
    inserted = (
        "insert into physicians (clinic_id, id, name, npi) select clinic_id, $1, 'Dr. ' || $2, $2 from clinics limit 1"
    )
    ids = {npi: uuid4() for npi in npis}
    for npi, identity in ids.items():
        rows(before, inserted, identity, npi)
    answer = CliRunner().invoke(main, ["migrate"], env={"DATABASE_URL": before.owner})
    assert answer.exit_code == 0, answer.output
    told = re.search(
        r"^([\d,]+) records are known exceptions to the laws: `billing verify` lists them\.$",
        answer.output,
        re.MULTILINE,
    )
    assert told
    code, output = verified(before)
    assert code == 0, output
    listed = output.partition("or a wrong check digit, stored by an earlier release: ")[2]
    assert listed.startswith("4\n")
    assert {npi for npi, identity in ids.items() if make_id("Physician", identity) in listed} == set(npis[2:])
    counts = [line.rpartition(": ")[2] for line in output.splitlines() if line.startswith("Known exceptions: ")]
    assert sum(int(count.replace(",", "")) for count in counts) == int(told[1].replace(",", ""))


def test_denials_of_days_that_are_refused_now_are_marked_and_listed(before: DatabaseUrls) -> None:
    early, late = rows(before, "select id, invoice_id from denials order by id limit 2")
    rows(before, "alter table denials disable trigger user")
    rows(before, "update denials set denied_on = '2001-01-01' where id = $1", early["id"])
    rows(before, "update denials set appeal_due_on = denied_on - 1 where id = $1", late["id"])
    rows(before, "alter table denials enable trigger user")
    asyncio.run(bring_up_to_date(before))
    code, output = verified(before)
    assert code == 0, output
    listed = output.split("Denials before the submission")[1].splitlines()
    assert listed[0].endswith(": 2")
    assert {line.strip() for line in listed[1:3]} == {make_id("Invoice", one["invoice_id"]) for one in (early, late)}


def test_each_kind_of_exception_is_listed_once(before: DatabaseUrls) -> None:
    assert len({known.words for known in EXCEPTIONS}) == len(EXCEPTIONS) == 11


def test_a_marked_invoice_takes_the_visit_over_when_the_first_one_is_void(before: DatabaseUrls) -> None:
    first = rows(before, _BILLED)[0]
    twice = bill_again(before, first["id"], number="Z-EARLIER-2")
    asyncio.run(bring_up_to_date(before))
    of = "select invoice_id from encounters where id = $1"
    rows(before, "update invoices set status = 'void' where id = $1", first["id"])
    assert rows(before, of, first["encounter_id"])[0][0] == twice
    rows(before, "update invoices set status = 'void' where id = $1", twice)
    assert rows(before, of, first["encounter_id"])[0][0] is None


def test_the_guards_bind_new_rows_of_a_migrated_database(before: DatabaseUrls) -> None:
    first = rows(before, _BILLED)[0]
    asyncio.run(bring_up_to_date(before))
    with pytest.raises(asyncpg.UniqueViolationError):
        bill_again(before, first["id"], number="Z-LATER-1")
    other = bill_again(before, first["id"], encounter="null::uuid", number="Z-LATER-2")
    code, output = verified(before)
    assert (code, "A line repeats no other line" in output) == (1, True)
    assert rows(before, "select is_billed_twice from invoices where id = $1", other)[0][0] is False


def test_the_migration_goes_down_with_corrected_exams_and_up_again(before: DatabaseUrls) -> None:
    def exams() -> list[Any]:
        return [tuple(row) for row in rows(before, "select id, units from encounter_exams order by id")]

    kept = exams()
    asyncio.run(bring_up_to_date(before))
    rows(
        before,
        """insert into encounter_exams (clinic_id, id, encounter_id, exam_type_id, removed_at)
        select clinic_id, gen_random_uuid(), encounter_id, exam_type_id, now() from encounter_exams limit 3""",
    )
    asyncio.run(migrate(before.owner, revision=_BEFORE))
    assert exams() == kept
    asyncio.run(bring_up_to_date(before))
    assert verified(before)[0] == 0
