"""Exports, the files for QuickBooks and subscriptions name the record that stays; a file of before stays downloadable."""

import csv
import io
from collections.abc import Iterator
from typing import Any
from zipfile import ZipFile

import httpx
import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.embedded.postgres import EmbeddedPostgres
from tests.storage.stores import Folder
from tests.support.databases import copied, rows
from tests.support.files.export_files import Bureau, bureau_over
from tests.support.merges import merge, part

_PAYERS = """select p.id, p.name from payers p join invoices i on i.clinic_id = p.clinic_id and i.payer_id = p.id and i.status <> 'void'
    where p.kind = 'insurance' group by 1, 2 order by count(*) desc, p.id limit 2"""
_PATIENTS = """select c.patient_id as id, p.first_name || ' ' || p.last_name as name from cases c join patients p on p.id = c.patient_id
    join invoices i on i.case_id = c.id and i.status <> 'void'
    where c.attorney_id = (select attorney_id from users where email = 'attorney@demo.example')
    group by 1, 2 order by 1 limit 1"""
_OTHERS = """select p.id, p.first_name || ' ' || p.last_name as name from patients p where not exists (select from cases c
    where c.patient_id = p.id and c.attorney_id = (select attorney_id from users where email = 'attorney@demo.example'))
    order by p.id limit 1"""


@pytest.fixture
def bureau(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bureau]:
    with (
        copied(postgres_server, template_database) as address,
        bureau_over(address, Folder(tmp_path_factory.mktemp("home"))) as found,
    ):
        yield found


def named(bureau: Bureau, query: str) -> list[tuple[str, str]]:
    """Ids and names of records."""
    kind = "Payer" if query is _PAYERS else "Patient"
    return [(make_id(kind, row["id"]), row["name"]) for row in rows(bureau.address, query)]


def payers_of(bureau: Bureau, **values: Any) -> dict[str, tuple[str, str]]:
    """Payer and billed amount of each invoice of an export; the worker changes statuses meanwhile."""
    return {row["Invoice number"]: (row["Payer"], row["Billed amount"]) for row in bureau.rows(Role.BILLING, **values)}


def test_a_file_names_the_payer_that_stays_with_the_same_totals(bureau: Bureau) -> None:
    (old, old_name), (new, new_name) = named(bureau, _PAYERS)
    before = payers_of(bureau)
    made = merge(bureau.people[Role.ADMIN], old, new)
    after = payers_of(bureau)
    assert after == {
        number: (new_name if payer == old_name else payer, billed) for number, (payer, billed) in before.items()
    }
    assert old_name in {payer for payer, _ in before.values()}
    narrowed = [payers_of(bureau, filter={"payerId": [each]}) for each in (old, new)]
    assert narrowed[0] == narrowed[1] == {number: row for number, row in after.items() if row[0] == new_name}
    part(bureau.people[Role.ADMIN], made["id"])
    assert payers_of(bureau) == before


def test_the_customers_for_quickbooks_are_the_payers_that_stay(bureau: Bureau) -> None:
    (old, old_name), (new, new_name) = named(bureau, _PAYERS)
    merge(bureau.people[Role.ADMIN], old, new)
    archive = ZipFile(io.BytesIO(bureau.fetched(Role.BILLING, "exportQuickbooksInvoices")))
    texts = {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist() if name.endswith(".csv")}
    assert texts
    assert not any(old_name in text for text in texts.values())
    assert any(new_name in text for text in texts.values())


def test_an_attorney_downloads_files_of_before_and_of_after_a_merge(bureau: Bureau) -> None:
    [(old, old_name)], [(new, new_name)] = named(bureau, _PATIENTS), named(bureau, _OTHERS)
    earlier = bureau.ready(Role.ATTORNEY)
    made = merge(bureau.people[Role.ADMIN], old, new, confirmDifferentAttorneys=True)
    later = bureau.ready(Role.ATTORNEY)
    texts = [httpx.get(one["downloadUrl"]).content.decode("utf-8-sig") for one in (earlier, later)]
    found = [{row["Patient name"] for row in csv.DictReader(io.StringIO(text, newline=""))} for text in texts]
    assert found[1] == {new_name if name == old_name else name for name in found[0]}
    assert old_name in found[0]
    part(bureau.people[Role.ADMIN], made["id"])
    # What names the other record is out of reach again.
    assert httpx.get(later["downloadUrl"]).status_code != httpx.codes.OK
    assert httpx.get(earlier["downloadUrl"]).status_code == httpx.codes.OK
