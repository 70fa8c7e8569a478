"""The demo clinic at the revision before a migration: downgraded once for all tests of a module, and copied for each."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from db.migrate import migrate
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.support.databases import copied


@pytest.fixture(scope="module")
def earlier_template(
    request: pytest.FixtureRequest, postgres_server: EmbeddedPostgres, template_database: str
) -> Iterator[str]:
    """The name of a database at the module's revision `_BEFORE`, to which nobody is connected."""
    with copied(postgres_server, template_database) as copy:
        asyncio.run(migrate(copy.owner, revision=request.module._BEFORE))
        yield urlsplit(copy.owner).path.removeprefix("/")


@pytest.fixture
def before(postgres_server: EmbeddedPostgres, earlier_template: str) -> Iterator[DatabaseUrls]:
    """The demo clinic as code of the revision before stored it, for one test alone."""
    with copied(postgres_server, earlier_template) as copy:
        yield copy
