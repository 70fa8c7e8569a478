"""Sets for QuickBooks before and after corrections: two periods have each line once, and what is gone or new is known by its number."""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from server.embedded.postgres import EmbeddedPostgres
from tests.api.exports.test_quickbooks import EXPORT, company, owed, working
from tests.api.merges.test_merging import a_payer
from tests.api.payments.paying import CHEQUE, day, paid, refund_of, returned
from tests.api.remittances.remitting import claim, imported, number_of, payment, posted
from tests.support.api.mutations import done
from tests.support.api.records import find_records, today
from tests.support.api.scenarios import TODAY, Clinic, allocations, backdate, broken_laws
from tests.support.databases import copied
from tests.support.files.export_files import Bureau

_ALL = [status.name for status in InvoiceStatus]
_FIRST = {"createdTo": (today() - timedelta(days=5)).isoformat()}
_SECOND = {"createdFrom": (today() - timedelta(days=4)).isoformat()}
_PERIODS: dict[str, dict[str, str]] = {"all": {}, "first": _FIRST, "second": _SECOND}
_AMOUNTS = ["*Debits", "*Credits"]


@dataclass
class Scene:
    """An invoice of 100.00 of the first period and one of the second, of one payer, and a payment of 80.00 that pays 60.00 of the first."""

    clinic: Clinic
    first: str
    second: str
    cheque: str
    numbers: list[str] = field(default_factory=list)

    @classmethod
    def new(cls, clinic: Clinic) -> "Scene":
        """A scene of its own."""
        own = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
        own.payer = a_payer(clinic.billing)
        first = own.submitted("100.00")
        backdate(own, first)
        second = own.submitted("100.00")
        early = {"receivedOn": day(-7), "chequeDate": day(-7)}
        cheque = paid(own, "80.00", {first: "60.00"}, **early)["id"]
        paid(own, "5.00", {second: "5.00"})
        return cls(own, first, second, cheque, [number_of(own, one) for one in (first, second)])

    def correct(self, **values: Any) -> Any:
        """The payment that takes its place."""
        told = {"chequeId": self.cheque, "reason": "A typing error", **values}
        return done(self.clinic.admin, "correctCheque", CHEQUE, **told)

    def move(self, **values: Any) -> Any:
        """The payment, of which another invoice is paid, or less."""
        told = {"chequeId": self.cheque, "invoiceId": self.first, "reason": "A typing error", **values}
        return done(self.clinic.billing, "moveAllocation", CHEQUE, **told)


def _other_payer(scene: Scene) -> Any:
    clinic = scene.clinic
    firm = a_payer(clinic.billing, kind="ATTORNEY")
    clinic.step("transferBalance", scene.first, payerId=firm, reason="OTHER", note="As it is")
    return scene.correct(payerId=firm)


def _taken_back(scene: Scene) -> Any:
    back = claim(scene.numbers[0], "-100.00", "-60.00", "PR-2 -40.00", status_code="22")
    pays = claim(scene.numbers[1], "100.00", "90.00", "PR-2 10.00")
    return posted(scene.clinic, imported(scene.clinic, payment(back, pays)))


def _refund_bounced(scene: Scene) -> Any:
    selection = "cheque { id refunds { id } }"
    [refund] = done(scene.clinic.admin, "refundCheque", selection, **refund_of(scene.cheque, "20.00"))["refunds"]
    back = {"refundId": refund["id"], "returnedOn": TODAY, "reason": "Unknown address"}
    return done(scene.clinic.admin, "returnRefund", CHEQUE, **back)


def _bounced_after_its_refund(scene: Scene) -> Any:
    done(scene.clinic.admin, "refundCheque", CHEQUE, **refund_of(scene.cheque, "20.00"))
    return returned(scene.clinic, scene.cheque)


def _corrected_after_its_return(scene: Scene) -> Any:
    returned(scene.clinic, scene.cheque)
    return scene.correct(amount="70.00")


# What happens after the first sets were made, and the entries of payments that are then gone and new, as invoice and amount.
_Lines = list[tuple[int, str]]
CHANGES: dict[str, tuple[Callable[[Scene], Any], _Lines, _Lines]] = {
    "a number": (lambda of: of.correct(number=f"again-{of.numbers[0]}"), [(0, "60.00")], [(0, "60.00")]),
    "an amount": (
        lambda of: of.correct(amount="50.00", allocations=allocations({of.first: "50.00"})),
        [(0, "60.00")],
        [(0, "50.00")],
    ),
    "a day": (lambda of: of.correct(receivedOn=TODAY, chequeDate=TODAY), [(0, "60.00")], [(0, "60.00")]),
    "a payer": (_other_payer, [(0, "60.00")], [(0, "60.00")]),
    "an invoice": (
        lambda of: of.correct(allocations=allocations({of.second: "60.00"})),
        [(0, "60.00")],
        [(1, "60.00")],
    ),
    "two corrections": (
        lambda of: of.correct(chequeId=of.correct(amount="90.00")["id"], amount="95.00"),
        [(0, "60.00")],
        [(0, "60.00")],
    ),
    "a move": (lambda of: of.move(toInvoiceId=of.second), [(0, "60.00")], [(1, "60.00")]),
    "a move of a part": (
        lambda of: of.move(toInvoiceId=of.second, amount="25.00"),
        [(0, "60.00")],
        [(0, "35.00"), (1, "25.00")],
    ),
    "a move to unapplied": (lambda of: of.move(), [(0, "60.00")], []),
    "a claim that is taken back": (_taken_back, [], [(0, "-60.00"), (1, "90.00")]),
    "a refund that came back": (_refund_bounced, [], []),
    "a payment that bounced after its refund": (_bounced_after_its_refund, [], [(0, "-60.00")]),
    "a bounced payment that is corrected": (_corrected_after_its_return, [(0, "60.00")], [(0, "60.00"), (0, "-60.00")]),
}


@dataclass(frozen=True)
class Sets:
    """The journal entries of each period, and of both together, as another library reads them."""

    entries: dict[str, pd.DataFrame]

    def payments(self, invoice: str, period: str = "all") -> dict[str, str]:
        """The entries of payments of an invoice: their numbers, each with what the customer paid by it."""
        found = self.entries[period]
        mine = found[found["file"].eq("5") & found["Description"].str.endswith(f": {invoice}") & found["Name"].ne("")]
        credit, debit = (mine[name].replace("", "0").map(Decimal) for name in ("*Credits", "*Debits"))
        return dict(zip(mine["*JournalNo"], (credit - debit).map(str), strict=True))


def _read(archive: bytes) -> pd.DataFrame:
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        parts = [
            pd.read_csv(io.BytesIO(found.read(name)), dtype=str, keep_default_na=False).assign(file=name[0])
            for name in sorted(found.namelist())
            if name[0] in "45"
        ]
    return pd.concat(parts, ignore_index=True)


def _sets(bureau: Bureau) -> Sets:
    return Sets(
        {
            name: _read(bureau.fetched(Role.BILLING, EXPORT, filter={"status": _ALL, **period}))
            for name, period in _PERIODS.items()
        }
    )


@pytest.fixture(scope="module")
def bureau(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bureau]:
    with (
        copied(postgres_server, template_database) as address,
        working(address, tmp_path_factory.mktemp("home")) as found,
    ):
        yield found


@dataclass(frozen=True)
class Story:
    """The scenes, and the sets before and after what happened in them."""

    scenes: dict[str, Scene]
    before: Sets
    after: Sets


@pytest.fixture(scope="module")
def story(bureau: Bureau) -> Story:
    clinic = Clinic(
        bureau.people[Role.BILLING], bureau.people[Role.ADMIN], find_records(bureau.address), bureau.address
    )
    scenes = {name: Scene.new(clinic) for name in CHANGES}
    before = _sets(bureau)
    for name, (change, _, _) in CHANGES.items():
        change(scenes[name])
    return Story(scenes, before, _sets(bureau))


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_the_entries_of_what_was_wrong_are_gone_and_those_of_what_is_right_are_new(story: Story, name: str) -> None:
    _, gone, new = CHANGES[name]
    scene = story.scenes[name]
    found = [
        (place, story.before.payments(number), story.after.payments(number))
        for place, number in enumerate(scene.numbers)
    ]
    left = [(place, old[one]) for place, old, now in found for one in old if one not in now]
    added = [(place, now[one]) for place, old, now in found for one in now if one not in old]
    assert (sorted(left), sorted(added)) == (sorted(gone), sorted(new))
    for _, old, now in found:
        assert {one: now[one] for one in now if one in old} == {one: old[one] for one in old if one in now}


@pytest.mark.parametrize("when", ["before", "after"])
def test_two_consecutive_periods_have_each_line_once(story: Story, when: str) -> None:
    entries = (story.before if when == "before" else story.after).entries
    both = pd.concat([entries["first"], entries["second"]])
    order = ["*JournalNo", "*AccountName"]
    assert not both.duplicated(order).any()
    assert not set(entries["first"]["*JournalNo"]) & set(entries["second"]["*JournalNo"])
    first, second = (frame.sort_values(order).reset_index(drop=True) for frame in (both, entries["all"]))
    pd.testing.assert_frame_equal(first, second)
    assert min(len(entries["first"]), len(entries["second"])) > len(CHANGES)


def test_an_entry_that_stands_in_both_is_the_same_but_for_its_customer_and_for_adjustments_of_today(
    story: Story,
) -> None:
    keys = ["*JournalNo", "*AccountName"]
    old, now = (found.entries["all"].set_index(keys).sort_index() for found in (story.before, story.after))
    both = old.index.intersection(now.index)
    assert len(both) > len(CHANGES)
    differ = [
        name
        for name in (*_AMOUNTS, "*JournalDate", "Description")
        if (old.loc[both, name] != now.loc[both, name]).any()
    ]
    assert differ == []
    moved = both[(old.loc[both, "Name"] != now.loc[both, "Name"]).to_numpy()]
    # Whose balance moved to another payer.
    assert {text.split(": ")[-1] for text in now.loc[moved, "Description"]} <= {story.scenes["a payer"].numbers[0]}


def test_after_all_of_it_quickbooks_shows_the_balances_of_the_clinic(bureau: Bureau, story: Story) -> None:
    assert story.scenes
    outstanding, _, by_payer = owed(bureau)
    found = company(bureau, filter={"status": _ALL})
    assert (found.total(), found.open_by_payer()) == (outstanding, by_payer)
    assert broken_laws(bureau.address) == ()
