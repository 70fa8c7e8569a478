"""No odd text, in any place of a role's schema, is a failure of the server or changes what an innocent query answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from domain.people import Role
from server.addresses import Address
from tests.api.records import Found, find_records
from tests.attacks.strings import TEXTS, Place, all_places, send
from tests.client import Client
from tests.conftest import SignIn

CASES = 60
# The oldest invoices: nothing that a text may make is among them.
INNOCENT = "{ invoices(last: 3) { nodes { id number serviceDate } } }"


@pytest.fixture(scope="module")
def found(address: Address) -> Found:
    return find_records(address)


def attack(client: Client, role: Role, found: Found) -> set[int]:
    """The statuses of the answers to texts of Hypothesis in all places in turn, neighbours far apart."""
    many = list(all_places(role))
    upcoming = cycle([place for start in range(7) for place in many[start::7]])
    statuses = set()

    @seed(1)
    @settings(
        max_examples=CASES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(text=TEXTS)
    def each(text: str) -> None:
        statuses.add(send(client.http, client.url, {}, next(upcoming), found, text))

    each()
    return statuses


@pytest.mark.parametrize("role", Role)
def test_odd_texts_are_stored_looked_for_or_refused_and_change_nothing_else(
    sign_in: SignIn, role: Role, found: Found
) -> None:
    client = sign_in(role)
    before = client.read(INNOCENT)
    assert {status for status in attack(client, role, found) if status >= 500} == set()
    assert client.read(INNOCENT) == before


@contextmanager
def answering(body: str) -> Iterator[httpx.Client]:
    """A client whose server answers everything so, with 200."""
    with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, text=body))) as client:
        yield client


def test_a_failure_that_is_told_with_200_counts_as_one(found: Found) -> None:
    place: Place = next(all_places(Role.BILLING))
    for code, status in (("INTERNAL_ERROR", 500), ("BAD_USER_INPUT", 200)):
        body = f'{{"data": null, "errors": [{{"message": "", "extensions": {{"code": "{code}"}}}}]}}'
        with answering(body) as client:
            assert send(client, "http://server.test/graphql", {}, place, found, "x") == status
