"""Database URLs: the PostgreSQL at DATABASE_URL or the embedded one in BILLING_HOME, its logins, pooler and replica."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from db.connections import Logged
from db.pools import Database
from db.sealed_hints import Hints
from db.security.policies import ATTORNEY_LOGIN, STAFF_LOGIN
from db.security.policy_version import PolicyVersion, Standing, standing, version_of
from server.embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError
from server.home import check_home
from server.settings import SettingError, Settings

logger = logging.getLogger("billing.database")
_DATABASE = "billing"
_OLDEST_POSTGRES = 16
# A role belongs to the whole server. When two databases of one server set its password at the same time, the later one gets an
# internal error ("tuple concurrently updated") and tries again.
_ALTER_LOGIN = """do $$ begin
    for attempt in 1..20 loop
        begin
            alter role {name} password '{password}';
            return;
        exception when internal_error then
            if attempt = 20 then raise; end if;
        end;
    end loop;
end $$"""
_NEWER = "the database has the policies of a newer version than this code: they are left as they are"


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """The database URLs of a deployment: the owner's, from which those of the logins are derived.

    `pooled` is the URL of a transaction-mode connection pooler, `replica` that of a standby for reads.
    """

    owner: str
    pooled: str = ""
    replica: str = ""

    def login(self, name: str) -> str:
        """The URL for a login of the server; its password is derived from the owner's, so that every process knows it."""
        return self._at(self.owner, name)

    def database(self, logged: Logged | None = None, hints: Hints | None = None) -> Database:
        """The connection pools that requests use."""
        pooled = partial(self._at, self.pooled) if self.pooled else None
        replica = partial(self._at, self.replica) if self.replica else None
        return Database(self.login, logged, hints=hints, pooled=pooled, replica=replica)

    def _at(self, place: str, name: str) -> str:
        parts = urlsplit(place)
        host = parts.netloc.rpartition("@")[2]
        password = f":{quote(self.password(name))}" if urlsplit(self.owner).password else ""
        return urlunsplit(parts._replace(netloc=f"{name}{password}@{host}"))

    def password(self, name: str) -> str:
        """The password of a login: an HMAC of its name by the owner's password."""
        secret = (urlsplit(self.owner).password or "").encode()
        return hmac.new(secret, f"clinic-billing {name}".encode(), hashlib.sha256).hexdigest()

    def passwords(self) -> Iterator[str]:
        """The statements that set the passwords of the logins, if the owner has a password."""
        if urlsplit(self.owner).password:
            for name in (STAFF_LOGIN, ATTORNEY_LOGIN):
                yield _ALTER_LOGIN.format(name=name, password=self.password(name))


async def bring_up_to_date(address: DatabaseUrls, tell: Callable[[str], None] = lambda words: None) -> Standing:
    """Run missing migrations, and set roles, grants, policies and the lifecycle guard to those of this code.

    A database of a newer version is left as it is. Returns how the database stood before. SettingError when the login in
    DATABASE_URL lacks the privileges for it. `tell` is called with each step that was taken.
    """
    from db.migrate import migrate  # noqa: PLC0415 (Alembic: only migrations need it)

    try:
        before = await migrate(address.owner, _version(), address.passwords(), tell=tell)
    except asyncpg.InsufficientPrivilegeError as error:
        raise SettingError(f"DATABASE_URL is wrong: its login lacks a privilege: {error}") from error
    if before is Standing.NEWER:
        logger.warning(_NEWER)
    return before


async def prepare(settings: Settings, address: DatabaseUrls) -> None:
    """Bring the embedded database up to date; of a database at DATABASE_URL, check only that it is, since `billing migrate` does it.

    SettingError when that database is older than this code. A newer one is used as it is: processes of both versions run side by
    side during an upgrade.
    """
    if not settings.database_url:
        await bring_up_to_date(address)
        return
    connection = await asyncpg.connect(address.owner)
    try:
        found = await standing(connection, _version())
    finally:
        await connection.close()
    if found is Standing.OLDER:
        raise SettingError("The database at DATABASE_URL is not up to date: run `billing migrate` first")
    if found is Standing.NEWER:
        logger.warning(_NEWER)


def _version() -> PolicyVersion:
    from schema.whole import policy_statements  # noqa: PLC0415 (the whole schema, which takes seconds to import)

    return version_of(policy_statements())


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[DatabaseUrls]:
    """The database URLs, with the embedded server running, if used, for as long as this context is open.

    EmbeddedPostgresError when it cannot run. A start as root logs a warning.
    """
    check_home(settings.home)
    if settings.database_url:
        direct = settings.direct_database_url
        await _reach(direct or settings.database_url)
        pooled = settings.database_url if direct else ""
        yield DatabaseUrls(direct or settings.database_url, pooled, settings.read_database_url)
        return
    with EmbeddedPostgres(settings.home) as postgres:
        if warning := postgres.warning:
            logger.warning(warning)
        try:
            await _create(postgres.dsn())
        except asyncpg.InvalidPasswordError as error:
            raise EmbeddedPostgresError(postgres.wrong_password) from error
        yield DatabaseUrls(postgres.dsn(database=_DATABASE))


def create_account(settings: Settings) -> None:
    """As root, make an account of the operating system for the embedded PostgreSQL alone, and give it the data."""
    if settings.database_url:
        raise SettingError("--create-account is for the embedded PostgreSQL, and DATABASE_URL names another one")
    EmbeddedPostgres(settings.home).create_account()


def with_database(settings: Settings, work: Callable[[DatabaseUrls], Awaitable[None]]) -> None:
    """Run the work of a command on a database that is up to date."""

    async def run() -> None:
        async with opened(settings) as address:
            await prepare(settings, address)
            await work(address)

    asyncio.run(run())


async def _reach(dsn: str) -> None:
    """Check that the database can be reached, before anything depends on it; SettingError when it cannot."""
    try:
        connection = await asyncpg.connect(dsn)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # PostgreSQL's error message names the login, and never the password.
        raise SettingError(f"DATABASE_URL is wrong: the database cannot be reached: {error}") from error
    version = connection.get_server_version()
    await connection.close()
    if version.major < _OLDEST_POSTGRES:
        raise SettingError(
            f"DATABASE_URL is wrong: expected PostgreSQL {_OLDEST_POSTGRES} or newer, and this is {version.major}"
        )


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
