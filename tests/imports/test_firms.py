"""The firms of imported attorneys and payers: found by the normal form of the name, created once, never joined when retired."""

from domain.imports import ImportKind
from server.database_urls import DatabaseUrls
from tests.imports.imported_files import CLINIC, bad_cells, broken, counts, imported
from tests.support.databases import rows

_FIRMS = f"select name, id from firms where clinic_id = {CLINIC} and name_key like 'filed%' order by name"
_OF = "select f.name from {} p left join firms f on f.id = p.firm_id where p.name = $1"


def firm_of(address: DatabaseUrls, table: str, name: str) -> str | None:
    [[firm]] = rows(address, _OF.format(table), name)
    return firm  # type: ignore[no-any-return]


def test_the_firms_of_a_file_are_created_once_and_found_again_in_another_spelling(own_address: DatabaseUrls) -> None:
    kind = ImportKind.ATTORNEYS
    file = "name,firm\nAda One,Filed & Co\nAda Two,FILED  & Co\nAda Three,Filed Law\n"
    assert counts(imported(own_address, kind, file)) == (3, 0, 0, 0)
    assert [row["name"] for row in rows(own_address, _FIRMS)] == ["Filed & Co", "Filed Law"]
    assert counts(imported(own_address, kind, "name,firm\nAda Four,filed & co\n")) == (1, 0, 0, 0)
    assert {firm_of(own_address, "attorneys", f"Ada {n}") for n in ("One", "Two", "Four")} == {"Filed & Co"}
    [[text]] = rows(own_address, "select firm from attorneys where name = 'Ada Four'")
    assert text == "Filed & Co"
    assert broken(own_address) == ()


def test_an_attorney_of_a_retired_firm_is_refused(own_address: DatabaseUrls) -> None:
    imported(own_address, ImportKind.ATTORNEYS, "name,firm\nAda One,Filed & Co\n")
    rows(own_address, "update firms set retired_at = now() where name = 'Filed & Co'")
    report = imported(own_address, ImportKind.ATTORNEYS, "name,firm\nAda Two,filed & co\nAda Six,Filed Six\n")
    assert [cell[:2] for cell in bad_cells(report)] == [(2, "firm")]
    # The one who is there already stays.
    again = imported(own_address, ImportKind.ATTORNEYS, "name,firm,phone\nAda One,Filed & Co,555-0100\n")
    assert counts(again) == (0, 1, 0, 0)


def test_a_payer_gets_the_firm_of_its_attorney_or_of_its_name(own_address: DatabaseUrls) -> None:
    imported(own_address, ImportKind.ATTORNEYS, "name,firm\nAda One,Filed & Co\nAda Two,Filed Law\n")
    file = """name,kind,attorney
Ada pays,ATTORNEY,Ada One
FILED LAW,ATTORNEY,
Unknown Law,ATTORNEY,
Filed & Co,INSURANCE,
"""
    assert counts(imported(own_address, ImportKind.PAYERS, file)) == (4, 0, 0, 0)
    found = {
        name: firm_of(own_address, "payers", name) for name in ("Ada pays", "FILED LAW", "Unknown Law", "Filed & Co")
    }
    assert found == {"Ada pays": "Filed & Co", "FILED LAW": "Filed Law", "Unknown Law": None, "Filed & Co": None}
    changed = imported(own_address, ImportKind.PAYERS, "name,kind,attorney\nUnknown Law,ATTORNEY,Ada Two\n")
    assert counts(changed) == (0, 1, 0, 0)
    assert firm_of(own_address, "payers", "Unknown Law") == "Filed Law"
