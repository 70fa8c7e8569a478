"""The time of an answer does not show whether a record out of reach exists: two interleaved samples have one distribution."""

import random
import time
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.permissions.own_rows import Belongings, viewer_of
from tests.permissions.published import committed
from tests.permissions.querying import FINDERS, TABLES
from tests.permissions.side_channels.two_samples import compared
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, copied
from tests.support.other_clinic import add_other_clinic

SIGN_IN = "mutation ($i: SignInInput!) { signIn(input: $i) { token } }"
Record = Callable[[str, object], None]
# The root fields that find a record by its id, each with its type.
FINDER_TYPES = [
    ("invoice", "Invoice"),
    ("node", "Invoice"),
    ("case", "Case"),
    ("patient", "Patient"),
    ("export", "Export"),
]


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """Two clinics with the same people under other ids."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


@pytest.fixture(scope="module")
def attorney(address: DatabaseUrls) -> Iterator[Client]:
    """A client that is signed in as the demo clinic's attorney."""
    with serving(address) as url, Client(url) as anonymous:
        sign_in_input = {"email": "attorney@demo.example", "password": PASSWORD, "clinic": "demo"}
        with Client(url, anonymous.read(SIGN_IN, i=sign_in_input)["signIn"]["token"]) as client:
            yield client


def times(
    attorney: Client, address: DatabaseUrls, finder_type: tuple[str, str], count: int
) -> tuple[list[float], list[float]]:
    """Seconds for ids of others and for unknown ids: interleaved, each pair in a random order, which is the same in every run."""
    finder, type_name = finder_type
    mine, randomness = Belongings(address, viewer_of(address, Role.ATTORNEY)), random.Random(1)  # noqa: S311 (an order, no secret)
    foreign = sorted(mine.of_others(TABLES[type_name]) | mine.elsewhere(TABLES[type_name]))
    query = f"query ($id: ID!) {{ {finder}(id: $id) {{ id __typename }} }}"

    def seconds(identity: UUID) -> float:
        began = time.perf_counter()
        answer = attorney.read(query, id=make_id(type_name, identity))
        took = time.perf_counter() - began
        assert answer == {finder: None}
        return took

    found: tuple[list[float], list[float]] = [], []
    seconds(uuid4())
    for number in range(count):
        for which in randomness.sample((0, 1), 2):
            found[which].append(seconds(uuid4() if which else foreign[number % len(foreign)]))
    return found


@pytest.mark.parametrize("finder_type", FINDER_TYPES, ids="-".join)
def test_a_foreign_id_takes_about_the_same_time_as_an_unknown_one(
    attorney: Client, address: DatabaseUrls, finder_type: tuple[str, str], record_property: Record
) -> None:
    found = compared(*times(attorney, address, finder_type, 80))
    record_property("foreign against unknown", str(found))
    # A few answers on a busy machine: reading and discarding a row would slow all of them, far beyond this limit.
    assert abs(found.deviations) < 5, found


@pytest.mark.prove
@pytest.mark.parametrize("finder_type", FINDER_TYPES, ids="-".join)
def test_a_thousand_foreign_ids_take_the_same_time_as_unknown_ones(
    attorney: Client,
    address: DatabaseUrls,
    finder_type: tuple[str, str],
    record_property: Record,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = compared(*times(attorney, address, finder_type, 1_000))
    record_property("foreign against unknown", str(found))
    with capsys.disabled():
        print(f"\n{finder_type[0]}: a foreign id is {found}")  # noqa: T201
    # Of equal samples one in 16,000 is four deviations apart, which is 5 % of these pairs.
    assert abs(found.deviations) < 4, found


def test_the_comparison_finds_a_difference_and_no_false_one() -> None:
    randomness = random.Random(2)  # noqa: S311 (noise, no secret)
    one, other = ([randomness.lognormvariate(0, 0.5) for _ in range(200)] for _ in range(2))
    assert abs(compared(one, other).deviations) < 4
    assert compared([value * 1.4 for value in one], other).deviations > 5
    assert compared([1.0, 1.0], [1.0, 1.0]).share == 0.5
    assert (compared([3.0, 4.0], [1.0, 2.0]).share, compared([1.0, 2.0], [3.0, 4.0]).share) == (1.0, 0.0)


def test_every_root_field_by_which_an_attorney_finds_a_record_is_timed() -> None:
    seen = {finder for finder in FINDERS if f"Query.{finder}" in committed(Role.ATTORNEY)}
    assert {finder for finder, _ in FINDER_TYPES} == seen | {"node"}
