"""Decides that time tells nobody whether a record out of reach exists: two samples, taken in turn, that cannot be told apart."""

import random
import time
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from db.identity import make_id
from domain.people import Role
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from tests.client import Client, serving
from tests.databases import PASSWORD, copied
from tests.other_clinic import add_other_clinic
from tests.permissions.asking import FINDERS, TABLES
from tests.permissions.own_rows import Belongings, viewer_of
from tests.permissions.published import committed
from tests.permissions.side_doors.two_samples import compared

SIGN_IN = "mutation ($i: SignInInput!) { signIn(input: $i) { token } }"
Record = Callable[[str, object], None]
# How a record is asked for: finder, its type, and how far the share of slower answers may be from one half, for all and for a few.
DOORS = [("invoice", "Invoice"), ("node", "Invoice"), ("case", "Case"), ("patient", "Patient"), ("export", "Export")]


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Address]:
    """Two clinics with the same people under other ids."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


@pytest.fixture(scope="module")
def attorney(address: Address) -> Iterator[Client]:
    """The attorney of the demo clinic."""
    with serving(address) as url, Client(url) as nobody:
        given = {"email": "attorney@demo.clinic", "password": PASSWORD, "clinic": "demo"}
        with Client(url, nobody.read(SIGN_IN, i=given)["signIn"]["token"]) as client:
            yield client


def times(attorney: Client, address: Address, door: tuple[str, str], count: int) -> tuple[list[float], list[float]]:
    """Seconds for ids of others and for ids that nobody has: in turn, each pair in a random order, always the same one."""
    finder, type_name = door
    mine, dice = Belongings(address, viewer_of(address, Role.ATTORNEY)), random.Random(1)  # noqa: S311 (an order, no secret)
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
        for which in dice.sample((0, 1), 2):
            found[which].append(seconds(uuid4() if which else foreign[number % len(foreign)]))
    return found


@pytest.mark.parametrize("door", DOORS, ids="-".join)
def test_a_foreign_id_takes_no_noticeably_other_time_than_an_unknown_one(
    attorney: Client, address: Address, door: tuple[str, str], record_property: Record
) -> None:
    found = compared(*times(attorney, address, door, 80))
    record_property("foreign against unknown", str(found))
    # A few answers on a busy machine: what a row that is read and thrown away would cost moves them all, and is far beyond this.
    assert abs(found.deviations) < 5, found


@pytest.mark.prove
@pytest.mark.parametrize("door", DOORS, ids="-".join)
def test_a_thousand_foreign_ids_take_no_other_time_than_unknown_ones(
    attorney: Client,
    address: Address,
    door: tuple[str, str],
    record_property: Record,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = compared(*times(attorney, address, door, 1_000))
    record_property("foreign against unknown", str(found))
    with capsys.disabled():
        print(f"\n{door[0]}: a foreign id is {found}")  # noqa: T201
    # Of like samples one in 16,000 is four deviations apart, which is 5 % of these pairs.
    assert abs(found.deviations) < 4, found


def test_the_comparison_finds_a_difference_and_none_where_there_is_none() -> None:
    dice = random.Random(2)  # noqa: S311 (noise, no secret)
    one, other = ([dice.lognormvariate(0, 0.5) for _ in range(200)] for _ in range(2))
    assert abs(compared(one, other).deviations) < 4
    assert compared([value * 1.4 for value in one], other).deviations > 5
    assert compared([1.0, 1.0], [1.0, 1.0]).share == 0.5
    assert (compared([3.0, 4.0], [1.0, 2.0]).share, compared([1.0, 2.0], [3.0, 4.0]).share) == (1.0, 0.0)


def test_every_way_to_find_a_record_that_an_attorney_has_is_timed() -> None:
    seen = {finder for finder in FINDERS if f"Query.{finder}" in committed(Role.ATTORNEY)}
    assert {finder for finder, _ in DOORS} == seen | {"node"}
