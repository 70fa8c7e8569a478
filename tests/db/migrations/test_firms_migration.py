"""Attorneys and payers of the time before firms: one firm for each normal form, and what is ambiguous is listed, never merged."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from click.testing import CliRunner

from db.duplicates import AmbiguousName, find_ambiguous_firms
from db.global_ids import make_id
from db.migrate import migrate
from domain.normal_forms import name_fragments
from server.cli import main
from server.database_urls import DatabaseUrls, bring_up_to_date
from tests.db.migrations.test_identities_migration import add, one
from tests.imports.imported_files import broken
from tests.support.databases import rows

_BEFORE = "0022"


def an_attorney(address: DatabaseUrls, name: str, firm: str, year: int = 2024, **columns: Any) -> UUID:
    fragments, moment = name_fragments(name, firm), datetime(year, 1, 1, tzinfo=UTC)
    return add(address, "attorneys", name=name, firm=firm, name_fragments=fragments, recorded_at=moment, **columns)


def a_payer(address: DatabaseUrls, name: str, attorney: UUID | None = None, kind: str = "attorney") -> UUID:
    return add(address, "payers", name=name, kind=kind, attorney_id=attorney, name_fragments=name_fragments(name))


def firm_of(address: DatabaseUrls, table: str, identity: UUID) -> tuple[Any, ...] | None:
    found = rows(
        address, f"select f.id, f.name from {table} t join firms f on f.id = t.firm_id where t.id = $1", identity
    )
    return tuple(found[0]) if found else None


def ambiguous(address: DatabaseUrls) -> list[AmbiguousName]:
    async def ask() -> list[AmbiguousName]:
        connection = await asyncpg.connect(address.owner)
        try:
            return await find_ambiguous_firms(connection)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_each_normal_form_is_one_firm_under_its_most_frequent_spelling(before: DatabaseUrls) -> None:
    spelt = ("ESMÉ LAW", "Esmé  Law", "Esme Law", "Esme Law")
    same = [an_attorney(before, f"A{n}", firm) for n, firm in enumerate(spelt)]
    other = an_attorney(before, "B", "Esme Law & Co")
    asyncio.run(bring_up_to_date(before))
    [(firm, name)] = {firm_of(before, "attorneys", one) for one in same} - {None}  # type: ignore[misc]
    assert name == "Esme Law"
    assert firm_of(before, "attorneys", other) != (firm, name)
    # What attorneys' records say stays: nothing is merged without being seen.
    assert [one(before, "attorneys", "firm", each)[0] for each in same] == list(spelt)
    assert one(before, "firms", "name_key, name_fragments[2], retired_at", firm) == ("esme law", "law", None)
    [listed] = ambiguous(before)
    assert (listed.kind, listed.id, set(listed.others)) == (
        "Firm",
        make_id("Firm", firm),
        {make_id("Attorney", each) for each in same},
    )
    assert broken(before) == ()


def test_payers_are_linked_by_their_attorney_or_by_their_name_and_the_others_are_listed(before: DatabaseUrls) -> None:
    ann = an_attorney(before, "Ann", "First Law")
    an_attorney(before, "Bob", "Second Law")
    linked, named = a_payer(before, "Ann pays", ann), a_payer(before, "SECOND  Law")
    unknown, odd = a_payer(before, "Third Law"), a_payer(before, "Second Law", ann)
    insurer = a_payer(before, "First Law", kind="insurance")
    asyncio.run(bring_up_to_date(before))
    found = {
        each: (firm_of(before, "payers", each) or (None, None))[1] for each in (linked, named, unknown, odd, insurer)
    }
    assert found == {linked: "First Law", named: "Second Law", unknown: None, odd: "First Law", insurer: None}
    reasons = {listed.id: listed.reason for listed in ambiguous(before) if listed.kind == "Payer"}
    assert set(reasons) == {make_id("Payer", unknown), make_id("Payer", odd)}
    assert "names no firm" in reasons[make_id("Payer", unknown)]
    assert "the name of another firm" in reasons[make_id("Payer", odd)]


def test_the_commands_say_and_list_what_is_ambiguous(before: DatabaseUrls) -> None:
    payer = a_payer(before, "Third Law")
    environment = {"DATABASE_URL": before.owner}
    told = CliRunner().invoke(main, ["migrate"], env=environment).output
    assert "1 law firms are named ambiguously: `billing duplicates` lists them." in told
    listed = CliRunner().invoke(main, ["duplicates"], env=environment).output
    assert "There are no duplicates." in listed
    assert f"demo: Payer {make_id('Payer', payer)}: this payer of the kind ATTORNEY names no firm" in listed


def test_attorneys_with_one_normal_form_stay_two_in_one_firm(before: DatabaseUrls) -> None:
    first = an_attorney(before, "Ann", "First Law")
    second = an_attorney(before, "ANN", "FIRST LAW", is_duplicate=True)
    asyncio.run(bring_up_to_date(before))
    assert firm_of(before, "attorneys", first) == firm_of(before, "attorneys", second)
    assert one(before, "attorneys", "is_duplicate", second) == (True,)


def test_code_of_the_release_before_names_firms_by_their_text(before: DatabaseUrls) -> None:
    asyncio.run(bring_up_to_date(before))
    ann = an_attorney(before, "Ann", "Later Law")
    bob = an_attorney(before, "Bob", "later law")
    assert firm_of(before, "attorneys", ann) == firm_of(before, "attorneys", bob)
    rows(before, "update attorneys set firm = 'Another Law' where id = $1", bob)
    assert (firm_of(before, "attorneys", bob) or ())[1] == "Another Law"
    rows(before, "update attorneys set phone = '555' where id = $1", bob)
    assert (firm_of(before, "attorneys", bob) or ())[1] == "Another Law"
    rows(before, "update attorneys set firm = 'Later Law' where id = $1", bob)
    assert firm_of(before, "attorneys", ann) == firm_of(before, "attorneys", bob)


def test_going_down_keeps_the_texts_and_the_periods_that_are_known_now(own_address: DatabaseUrls) -> None:
    texts = "select id, name, firm from attorneys order by id"
    known = "select case_id, attorney_id, from_on, until_on from representations order by id"
    before = rows(own_address, texts), rows(own_address, known)
    rows(
        own_address,
        """insert into representations (clinic_id, id, case_id, attorney_id, from_on, known_from, known_until)
        select clinic_id, gen_random_uuid(), case_id, attorney_id, from_on, from_on, from_on + 1 from representations limit 1""",
    )
    asyncio.run(migrate(own_address.owner, revision=_BEFORE))
    assert (rows(own_address, texts), rows(own_address, known)) == before
    asyncio.run(bring_up_to_date(own_address))
    assert broken(own_address) == ()
