"""Random merges and undos over the demo clinic: sums and laws stand at every time, and what is undone answers as before."""

from collections.abc import Iterator
from contextlib import ExitStack
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
from tests.support.merged_ids import answered_by, unchanged_by_import
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
# How many of the merges that stand are compared each time.
_COMPARED = 2
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


def check_merged_id(address: DatabaseUrls, people: dict[Role, Client], identity: str) -> None:
    """By the id of a merged record every role is told what it is told by that of the one that stays; imports know it by either key.

    Files and subscriptions by either id have tests of their own, beside this one.
    """
    query = "query ($id: ID!) { node(id: $id) { ... on Merge { mergedId patient { id } payer { id } } } }"
    made = people[Role.ADMIN].read(query, id=identity)["node"]
    both = (made["mergedId"], (made["patient"] or made["payer"])["id"])
    for role, client in people.items():
        of_old, of_new = (answered_by(client, role, one) for one in both)
        for (name, told), (_, expected) in zip(of_old, of_new, strict=True):
            assert told == expected, (role, name)
    by_key = unchanged_by_import(address, *both)
    assert by_key[0] == by_key[1]


def run(address: DatabaseUrls, steps: int, seed: int, checked_every: int) -> tuple[int, int]:
    """So many random merges and undos; returns how many merges were made, and how many were refused."""
    random, standing, made, refused = Random(seed), list[str](), 0, 0  # noqa: S311 (a test of many cases)
    with serving(address) as url, Client(url) as anonymous, ExitStack() as stack:
        people = {role: stack.enter_context(anonymous.signed_in(f"{role.value}@demo.example")) for role in Role}
        admin = people[Role.ADMIN]
        before = {role: answers(client, role) for role, client in people.items()}
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
                for identity in random.sample(standing, min(len(standing), _COMPARED)):
                    check_merged_id(address, people, identity)
        for identity in reversed(standing):
            part(admin, identity)
        assert figures(admin) == sums
        for role, client in people.items():
            for (name, was), (_, now) in zip(before[role], answers(client, role), strict=True):
                assert now == was, (role, name)
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
