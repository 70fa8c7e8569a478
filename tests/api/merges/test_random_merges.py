"""Random merges and undos over the demo clinic: sums and laws stand at every time, and what is undone answers as before."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from db.global_ids import make_id, read_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.imports.imported_files import broken
from tests.support.api.mutations import answered
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.merges import MERGE, answers, part

_FIGURES = """query ($asOf: Date, $restated: Boolean!, $of: AnalyticsFilter!) {
    aging(asOf: $asOf, restated: $restated) { invoiceCount outstanding }
    agingByPayer(asOf: $asOf, restated: $restated) { invoiceCount outstanding unappliedAmount payer { id } }
    analytics(filter: $of, asOf: $asOf, restated: $restated) { invoiceCount billed received
        reductionsByPayer { invoiceCount reductionRate { numerator denominator } payer { id } }
        amountsByCoverageKind { billed received outstanding } } }"""
_DAYS: tuple[dict[str, Any], ...] = (
    {"restated": False},
    {"asOf": "2026-05-31", "restated": False},
    {"asOf": "2026-05-31", "restated": True},
)
_PERIOD = {"from": "2024-01-01", "to": "2026-12-31"}


def figures(client: Client) -> list[Any]:
    """All sums of the clinic, those by payer added up: which payers they are of is left out."""
    found = []
    for day in _DAYS:
        answer = client.read(_FIGURES, of=_PERIOD, **day)
        payers = answer.pop("agingByPayer")
        assert len({row["payer"]["id"] for row in payers}) == len(payers)
        by_payer = answer["analytics"].pop("reductionsByPayer")
        assert len({row["payer"]["id"] for row in by_payer}) == len(by_payer)
        added = [
            sum(row["invoiceCount"] for row in payers),
            *(sum(Decimal(row[name]) for row in payers) for name in ("outstanding", "unappliedAmount")),
            sum(row["invoiceCount"] for row in by_payer),
            *(sum(Decimal(row["reductionRate"][name]) for row in by_payer) for name in ("numerator", "denominator")),
        ]
        kinds = answer["analytics"].pop("amountsByCoverageKind")
        added += [sum(Decimal(row[name]) for row in kinds) for name in ("billed", "received", "outstanding")]
        found.append((answer, added))
    return found


def candidates(address: DatabaseUrls, random: Random) -> Iterator[tuple[str, str]]:
    """Pairs of records that are not merged, at random."""
    while True:
        kind = random.choice(("Patient", "Payer", "Payer"))
        found = rows(
            address,
            f"""select id from {kind.lower()}s where merged_into_id is null
            and clinic_id = (select clinic_id from clinics where short_name = 'demo') order by id""",
        )
        first, second = random.sample(found, 2)
        yield make_id(kind, first["id"]), make_id(kind, second["id"])


def run(address: DatabaseUrls, steps: int, seed: int, checked_every: int) -> tuple[int, int]:
    """So many random merges and undos; returns how many merges were made, and how many were refused."""
    random, standing, made, refused = Random(seed), list[str](), 0, 0  # noqa: S311 (a test of many cases)
    with (
        serving(address) as url,
        Client(url) as anonymous,
        anonymous.signed_in("admin@demo.example") as admin,
        anonymous.signed_in("attorney@demo.example") as attorney,
    ):
        before = [answers(client, role) for client, role in ((admin, Role.ADMIN), (attorney, Role.ATTORNEY))]
        sums, pairs = figures(admin), candidates(address, random)
        for step in range(steps):
            if standing and random.random() < 0.3:
                identity = random.choice(standing)
                answer = answered(admin, "undoMerge", MERGE, mergeId=identity)
                if not answer["errors"]:
                    standing.remove(identity)
            else:
                merged, surviving = next(pairs)
                kind = (read_id(merged) or ("",))[0]
                more = {"confirmDifferentAttorneys": True} if kind == "Patient" else {}
                answer = answered(admin, f"merge{kind}s", MERGE, mergedId=merged, survivingId=surviving, **more)
                made, refused = made + (not answer["errors"]), refused + bool(answer["errors"])
                standing += [answer["merge"]["id"]] if answer["merge"] else []
            if step % checked_every == 0:
                assert figures(admin) == sums, step
                assert broken(address) == (), step
        for identity in reversed(standing):
            part(admin, identity)
        assert figures(admin) == sums
        after = [answers(client, role) for client, role in ((admin, Role.ADMIN), (attorney, Role.ATTORNEY))]
        assert after == before
    assert broken(address) == ()
    return made, refused


def test_twenty_merges_and_undos_change_no_sum_and_leave_nothing_behind(own_address: DatabaseUrls) -> None:
    made, _ = run(own_address, 20, seed=7, checked_every=10)
    assert made > 5


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(2))
def test_two_hundred_merges_and_undos_change_no_sum_and_leave_nothing_behind(
    own_address: DatabaseUrls, seed: int
) -> None:
    made, refused = run(own_address, 200, seed=seed, checked_every=10)
    assert made > 60
    assert refused
