"""Cheques of the time before payments had methods: spelt twice or post-dated, they are kept, marked, listed and reported apart."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

from click.testing import CliRunner

from db.global_ids import make_id
from db.migrate import migrate
from server.cli import main
from server.database_urls import DatabaseUrls, bring_up_to_date
from tests.house.source import PROJECT
from tests.support.databases import rows

_FILE = next((PROJECT / "db/migrations/versions").glob("*_payments_are_held_deposited_and_refunded.py"))
_BEFORE = import_module(f"db.migrations.versions.{_FILE.stem}").down_revision
_DAY = date(2026, 5, 5)
_SPELLINGS = ("1001", " 1001", "1001\u200b", "\uff11\uff10\uff10\uff11")


def add(address: DatabaseUrls, number: str, **columns: Any) -> UUID:
    """A cheque as the release before stored it."""
    identity, row = uuid4(), {"cheque_date": _DAY, "received_on": _DAY, "amount": Decimal("5.00"), **columns}
    names = ", ".join(row)
    places = ", ".join(f"${place}" for place in range(3, 3 + len(row)))
    rows(
        address,
        f"""insert into cheques (clinic_id, id, payer_id, imported, number, recorded_at, {names}) select clinic_id, $1, id, true, $2,
        now(), {places} from payers where clinic_id = (select clinic_id from clinics where short_name = 'demo') order by id limit 1
        returning id""",
        identity,
        number,
        *row.values(),
    )
    return identity


def one(address: DatabaseUrls, columns: str, identity: UUID) -> tuple[Any, ...]:
    [row] = rows(address, f"select {columns} from cheques where id = $1", identity)
    return tuple(row)


def billing(address: DatabaseUrls, command: str) -> tuple[int, str]:
    """The exit code and the output of a command."""
    answer = CliRunner().invoke(main, [command], env={"DATABASE_URL": address.owner})
    return answer.exit_code, answer.output


def test_cheques_spelt_twice_stay_as_they_are_and_are_marked_listed_and_reported_apart(before: DatabaseUrls) -> None:
    first, *others = (add(before, spelling) for spelling in _SPELLINGS)
    returned = add(before, "1001 ", returned_on=_DAY)
    asyncio.run(bring_up_to_date(before))
    assert one(before, "number, number_key, method, is_duplicate", first) == ("1001", "1001", "paper", False)
    for identity, spelling in zip(others, _SPELLINGS[1:], strict=True):
        assert one(before, "number, number_key, is_duplicate", identity) == (spelling, "1001", True)
    assert one(before, "number_key, is_duplicate", returned) == ("1001", False)
    code, output = billing(before, "duplicates")
    [listed, _] = output.splitlines()
    assert set(listed.split()) == {"demo:", "Cheque", *(make_id("Cheque", each) for each in (first, *others))}
    code, output = billing(before, "verify")
    assert code == 0, output
    assert "Known exceptions: Cheques with the number of another one of their payer: 3\n" in output
    assert all(make_id("Cheque", each) in output for each in others)


def test_a_cheque_that_was_received_before_its_day_is_an_exception_and_others_are_none(before: DatabaseUrls) -> None:
    early = add(before, "1002", cheque_date=_DAY + timedelta(days=3))
    usual = add(before, "1003")
    asyncio.run(bring_up_to_date(before))
    assert one(before, "is_post_dated, held_from, unapplied_amount", early) == (True, None, Decimal("5.00"))
    assert one(before, "is_post_dated", usual) == (False,)
    code, output = billing(before, "verify")
    assert code == 0, output
    listed = output.partition("Known exceptions: Cheques received before the day written on them: ")[2]
    assert make_id("Cheque", early) in listed
    assert make_id("Cheque", usual) not in listed


def test_returns_count_as_nsf_and_sums_are_moved(before: DatabaseUrls) -> None:
    asyncio.run(bring_up_to_date(before))
    [(kind,)] = rows(before, "select distinct return_kind from cheques where returned_on is not null")
    assert kind == "nsf"
    wrong = """select count(*) from cheques c where applied_amount <> (select coalesce(sum(amount), 0) from cheque_allocations a
        where a.cheque_id = c.id)"""
    assert rows(before, wrong)[0][0] == 0
    assert rows(before, "select count(*) from cheques where applied_amount > 0")[0][0] > 10
    late = "select count(*) from cheques where returned_on is not null and returned_at < recorded_at"
    assert rows(before, late)[0][0] == 0


def test_a_process_of_the_release_before_still_records_cheques(before: DatabaseUrls) -> None:
    asyncio.run(bring_up_to_date(before))
    old = add(before, "1004")
    assert one(before, "number_key, method, bank_key", old) == ("1004", "paper", None)


def test_down_and_up_again_keeps_the_money(own_address: DatabaseUrls) -> None:
    money = "select payer_id, sum(amount) filter (where returned_on is null) from cheques group by 1 order by 1"
    held = "select id from cheques where held_from is not null and released_at is null"
    known = {row["id"] for row in rows(own_address, held)}
    not_held = "select payer_id, sum(amount) filter (where returned_on is null and (held_from is null or released_at is not null))"
    before = [tuple(row) for row in rows(own_address, f"{not_held} from cheques group by 1 order by 1")]
    asyncio.run(migrate(own_address.owner, revision=_BEFORE))
    assert known
    assert known <= {row["id"] for row in rows(own_address, "select id from cheques where returned_on is not null")}
    assert [tuple(row) for row in rows(own_address, money)] == before
    asyncio.run(bring_up_to_date(own_address))
    assert billing(own_address, "verify")[0] == 0
