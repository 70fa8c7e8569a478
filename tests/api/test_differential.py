"""Every role is answered by the compiled reads byte for byte as by textbook resolvers, whatever it asks."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from domain.people import Role
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from tests.api.differences import report, shrunk
from tests.api.documents import random_document
from tests.api.oddities import add_oddities
from tests.api.opinions import Opinions, opinions
from tests.databases import TODAY, copied

FEW, MANY = range(100), range(1_000, 3_000)


@pytest.fixture(scope="module")
def odd_address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Address]:
    """The demo clinic with odd rows, beside a second clinic."""
    with copied(postgres_server, template_database) as copy:
        asyncio.run(_fill(copy))
        yield copy


async def _fill(address: Address) -> None:
    connection = await asyncpg.connect(address.owner)
    try:
        await add_oddities(connection, TODAY)
    finally:
        await connection.close()


async def _compare(both: Opinions, seeds: range) -> str | None:
    """The report of the first difference, shrunk; None when there is none."""
    for seed in seeds:
        document = random_document(seed, both.schema, both.facts)
        if await both.differ(document):
            small = await shrunk(document, both.schema, both.differ)
            ours, theirs = both.compiled(small), both.by_textbook(small)
            return f"seed {seed}\n{report(small, await both.outcome(ours), await both.outcome(theirs))}"
    return None


@pytest.mark.parametrize("role", Role)
async def test_a_hundred_random_documents_are_answered_as_the_textbook_answers_them(
    odd_address: Address, role: Role
) -> None:
    async with opinions(odd_address, role) as both:
        difference = await _compare(both, FEW)
    assert difference is None, difference


@pytest.mark.prove
@pytest.mark.parametrize("role", Role)
async def test_two_thousand_random_documents_are_answered_as_the_textbook_answers_them(
    odd_address: Address, role: Role
) -> None:
    async with opinions(odd_address, role) as both:
        difference = await _compare(both, MANY)
    assert difference is None, difference
