"""No odd text, in any text argument of a role's schema, causes a server error or changes the answer of a control query."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.attacks.strings import TEXTS, Place, all_places, send
from tests.conftest import SignIn
from tests.support.api.records import Found, find_records
from tests.support.client import Client

CASES = 60
# The oldest invoices: no record that the texts create is among them.
CONTROL_QUERY = "{ invoices(last: 3) { nodes { id number serviceDate } } }"


@pytest.fixture(scope="module")
def found(address: DatabaseUrls) -> Found:
    return find_records(address)


def attack(client: Client, role: Role, found: Found) -> set[int]:
    """The statuses of the answers to texts of Hypothesis, which go to all places in turn, neighbouring ones far apart."""
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
def test_odd_texts_are_stored_searched_for_or_refused_and_change_nothing_else(
    sign_in: SignIn, role: Role, found: Found
) -> None:
    client = sign_in(role)
    before = client.read(CONTROL_QUERY)
    assert {status for status in attack(client, role, found) if status >= 500} == set()
    assert client.read(CONTROL_QUERY) == before


@contextmanager
def answering(body: str) -> Iterator[httpx.Client]:
    """A client whose server answers every request with this body and status 200."""
    with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, text=body))) as client:
        yield client


def test_an_internal_error_that_is_answered_with_200_counts_as_500(found: Found) -> None:
    place: Place = next(all_places(Role.BILLING))
    for code, status in (("INTERNAL_ERROR", 500), ("BAD_USER_INPUT", 200)):
        body = f'{{"data": null, "errors": [{{"message": "", "extensions": {{"code": "{code}"}}}}]}}'
        with answering(body) as client:
            assert send(client, "http://server.test/graphql", {}, place, found, "x") == status
