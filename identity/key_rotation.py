"""Key rotation: re-encryption of the stored secrets with the newest key, beside running servers, and whether the keys can read them at all."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from db.pools import Database
from domain.access.secret_keys import SecretKeys
from identity.encryption import Encryption, Opened
from identity.second_factor import PURPOSE as SECOND_FACTORS

# The rows that one transaction locks: a sign-in that needs one of them waits for some milliseconds.
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A column of encrypted secrets: the purpose of its key, its table, the table's key, and the columns that a secret is bound to.

    A column that is null is left out of the record that a secret is bound to.
    """

    words: str
    purpose: str
    table: str
    column: str
    key: tuple[str, ...]
    bound_to: tuple[str, ...]

    @property
    def page(self) -> str:
        """The statement that reads the next rows after a key."""
        key, columns = ", ".join(self.key), ", ".join({*self.key, *self.bound_to, self.column})
        after = ", ".join(f"${place}" for place in range(1, len(self.key) + 1))
        return f"select {columns} from {self.table} where ({key}) > ({after}) order by {key} limit {_AT_ONCE}"

    @property
    def replace(self) -> str:
        """The statement that replaces the secret of a locked row."""
        found = " and ".join(f"{name} = ${place}" for place, name in enumerate(self.key, 1))
        return f"update {self.table} set {self.column} = ${len(self.key) + 1} where {found}"

    def record(self, row: asyncpg.Record) -> bytes:
        """The record that the secret of a row is bound to."""
        return b"".join(row[name].bytes for name in self.bound_to if row[name])


# Every secret that is stored encrypted. Passwords and tokens are not: they are hashed without a key.
STORED_SECRETS = (
    StoredSecret(
        words="second factors",
        purpose=SECOND_FACTORS,
        table="login_second_factors",
        column="secret",
        key=("login_id",),
        bound_to=("bound_clinic_id", "login_id"),
    ),
)


@dataclass(slots=True)
class Rotation:
    """How many secrets of a kind were found: encrypted with the newest key, with an old one, and with none of the keys."""

    words: str
    newest: int = 0
    old: int = 0
    unreadable: int = 0

    def count(self, opened: Opened | None) -> None:
        """Count one secret."""
        if opened is None:
            self.unreadable += 1
        elif opened.is_newest:
            self.newest += 1
        else:
            self.old += 1


async def rotate(database: Database, keys: SecretKeys) -> list[Rotation]:
    """Encrypt every stored secret with the newest key; `old` counts those that were re-encrypted.

    It can be run again, and beside servers that have all of the keys: a row is locked while it is replaced.
    """
    return [await _walk(database, keys, stored, is_replacing=True) for stored in STORED_SECRETS]


async def examine(database: Database, keys: SecretKeys) -> list[Rotation]:
    """Count the stored secrets by the key that reads them, and change nothing."""
    return [await _walk(database, keys, stored, is_replacing=False) for stored in STORED_SECRETS]


async def _walk(database: Database, keys: SecretKeys, stored: StoredSecret, *, is_replacing: bool) -> Rotation:
    encryption, found = Encryption(keys.every(stored.purpose)), Rotation(stored.words)
    lock = " for no key update" if is_replacing else ""
    after: tuple[UUID, ...] | None = (UUID(int=0),) * len(stored.key)
    while after:
        async with database.signing_in() as connection:
            rows = await connection.fetch(stored.page + lock, *after)
            for row in rows:
                opened = encryption.open(row[stored.column], stored.record(row))
                found.count(opened)
                if is_replacing and opened and not opened.is_newest:
                    await _replace(connection, stored, row, encryption.seal(opened.text, stored.record(row)))
        after = tuple(rows[-1][name] for name in stored.key) if len(rows) == _AT_ONCE else None
    return found


async def _replace(connection: asyncpg.Connection, stored: StoredSecret, row: asyncpg.Record, sealed: bytes) -> None:
    await connection.execute(stored.replace, *(row[name] for name in stored.key), sealed)
