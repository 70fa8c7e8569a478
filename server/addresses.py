"""Decides which PostgreSQL a command uses: the one at DATABASE_URL, or the embedded one in BILLING_HOME."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from db.connections import Logged
from db.migrating import migrate
from db.pools import Database
from db.security import ATTORNEY_LOGIN, STAFF_LOGIN, statements
from domain.people import Role
from permissions.roles import marks_of
from schema.whole import role_schemas
from server.embedded import EmbeddedPostgres
from server.settings import SettingError, Settings

_DATABASE = "billing"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is: the owner's address, from which the addresses of the logins follow.

    `pooled` is where a pooler shares its connections between transactions, `replica` where a standby answers reads.
    """

    owner: str
    pooled: str = ""
    replica: str = ""

    def login(self, name: str) -> str:
        """The address for a login of the server; its password follows from the owner's, so that every process knows it."""
        return self._at(self.owner, name)

    def database(self, logged: Logged | None = None) -> Database:
        """The database as requests use it."""
        pooled = partial(self._at, self.pooled) if self.pooled else None
        replica = partial(self._at, self.replica) if self.replica else None
        return Database(self.login, logged, pooled=pooled, replica=replica)

    def _at(self, place: str, name: str) -> str:
        parts = urlsplit(place)
        host = parts.netloc.rpartition("@")[2]
        password = f":{quote(self.password(name))}" if urlsplit(self.owner).password else ""
        return urlunsplit(parts._replace(netloc=f"{name}{password}@{host}"))

    def password(self, name: str) -> str:
        """The password of a login."""
        secret = (urlsplit(self.owner).password or "").encode()
        return hmac.new(secret, f"clinic-billing {name}".encode(), hashlib.sha256).hexdigest()

    def passwords(self) -> Iterator[str]:
        """The statements that give the logins their passwords, where the owner has one."""
        if urlsplit(self.owner).password:
            for name in (STAFF_LOGIN, ATTORNEY_LOGIN):
                yield f"alter role {name} password '{self.password(name)}'"


def surface() -> dict[Role, frozenset[str]]:
    """Every coordinate that each role's schema has: what the database's grants follow."""
    return {role: frozenset(marks_of(schema)) for role, schema in role_schemas().items() if role}


async def bring_up_to_date(address: Address) -> None:
    """Run the migrations that are missing and set roles, grants and policies to what the rules say."""
    await migrate(address.owner, [*statements(surface()), *address.passwords()])


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Address]:
    """The address of the database, with the embedded server running for as long as it is used."""
    if settings.database_url:
        direct = settings.direct_database_url
        await _reach(direct or settings.database_url)
        pooled = settings.database_url if direct else ""
        yield Address(direct or settings.database_url, pooled, settings.read_database_url)
        return
    with EmbeddedPostgres(settings.home) as postgres:
        await _create(postgres.dsn())
        yield Address(postgres.dsn(database=_DATABASE))


def with_database(settings: Settings, work: Callable[[Address], Awaitable[None]]) -> None:
    """Do some work of a command on a database that is up to date."""

    async def run() -> None:
        async with opened(settings) as address:
            await bring_up_to_date(address)
            await work(address)

    asyncio.run(run())


async def _reach(dsn: str) -> None:
    """SettingError where there is no database: everything after this takes it for granted."""
    try:
        connection = await asyncpg.connect(dsn)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # The words of a refusal name whom it refuses, and never the password.
        raise SettingError(f"DATABASE_URL is wrong: there is no database to be reached: {error}") from error
    await connection.close()


async def _create(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", _DATABASE):
            await connection.execute(f"create database {_DATABASE}")
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        # Another process on the same folder was faster.
        pass
    finally:
        await connection.close()
