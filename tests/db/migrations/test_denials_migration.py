"""Denials of the time before they had a life: those of invoices that are closed are closed, and all others are open."""

import asyncio
from collections import Counter
from importlib import import_module

from click.testing import CliRunner

from db.migrate import migrate
from server.cli import main
from server.database_urls import DatabaseUrls, bring_up_to_date
from tests.house.source import PROJECT
from tests.support.databases import rows

_FILE = next((PROJECT / "db/migrations/versions").glob("*_denials_have_a_life.py"))
_BEFORE = import_module(f"db.migrations.versions.{_FILE.stem}").down_revision
_LIVES = """select i.status as of_invoice, d.denied_on, e.status, e.number, e.happened_on, e.recorded_by, (select max(v.at)::date
    from invoice_events v where v.invoice_id = i.id and v.to_status = i.status and v.from_status <> v.to_status) as since
    from denials d join invoices i on i.id = d.invoice_id left join denial_events e on e.denial_id = d.id"""
_OPEN = ("pending_invoice", "pending_reduction", "pending_cheque")


def test_denials_of_closed_invoices_are_closed_on_the_day_on_which_the_invoice_was(own_address: DatabaseUrls) -> None:
    adjusted = rows(own_address, "select sum(amount) from invoice_adjustments")[0][0]
    asyncio.run(migrate(own_address.owner, revision=_BEFORE))
    asyncio.run(bring_up_to_date(own_address))
    found, seen = rows(own_address, _LIVES), Counter[str]()
    for row in found:
        seen[row["of_invoice"]] += 1
        if row["of_invoice"] in _OPEN:
            assert row["status"] is None
        else:
            assert (row["status"], row["number"], row["recorded_by"]) == ("closed", 1, None)
            assert row["happened_on"] == max(row["denied_on"], row["since"])
    assert {*_OPEN[:2], "paid", "written_off"} <= set(seen)
    # Adjustments stay, without the reasons that the release before had no place for.
    assert rows(own_address, "select sum(amount) from invoice_adjustments")[0][0] == adjusted
    answer = CliRunner().invoke(main, ["verify"], env={"DATABASE_URL": own_address.owner})
    assert answer.exit_code == 0, answer.output
