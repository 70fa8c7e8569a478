"""Stored secrets: encrypted with the newest key, read with any, and re-encrypted beside sign-ins that use them."""

import asyncio
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pyotp
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary

from db.pools import Database
from db.tables import metadata
from domain.access.secret_keys import SecretKeys
from identity.encryption import Encryption, Opened
from identity.key_rotation import STORED_SECRETS, Rotation, examine, rotate
from identity.second_factor import SecondFactors
from server.database_urls import DatabaseUrls
from tests.support.api.sign_in_attempts import add_account
from tests.support.databases import rows

FORMER, NEW, OTHER = (name * 8 for name in (b"former", b"newest", b"others"))
BOTH = SecretKeys(NEW, (FORMER,))
RECORD = b"clinic and user"
# Binary columns that hold no encrypted secret: hashes of what is stored, or of what is not, and lists of ids.
NOT_ENCRYPTED = {
    "audit_events.entities",
    "audit_chain.hash",
    "documents.sha256",
    "exports.sha256",
    "issued_documents.data_hash",
    "issued_documents.sha256",
    "sessions.token_hash",
    "idempotency_keys.input_hash",
    "policy_version.digest",
    "policy_version.catalog_digest",
    "sign_in_attempts.key",
    "recovery_codes.code_hash",
    # A picture that stands on every document.
    "clinics.logo",
    # Of the release before; no code reads it.
    "second_factors.secret",
}


def test_a_secret_is_encrypted_with_the_newest_key_and_read_with_any() -> None:
    former, new = (Encryption([bytes([one]) * 32]) for one in (1, 2))
    both = Encryption([bytes([2]) * 32, bytes([1]) * 32])
    assert both.open(former.seal("a", RECORD), RECORD) == Opened("a", is_newest=False)
    assert both.open(new.seal("a", RECORD), RECORD) == Opened("a", is_newest=True)
    assert new.open(both.seal("a", RECORD), RECORD) == Opened("a", is_newest=True)
    assert former.open(both.seal("a", RECORD), RECORD) is None


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(60)])
def test_what_no_key_has_encrypted_is_no_secret(sealed: bytes) -> None:
    assert Encryption([bytes(32)]).open(sealed, RECORD) is None


def test_a_secret_belongs_to_one_record() -> None:
    encryption = Encryption([bytes(32)])
    assert encryption.open(encryption.seal("a", RECORD), b"another") is None


def test_every_binary_column_is_re_encrypted_or_holds_no_secret() -> None:
    binary = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.c
        if isinstance(column.type, LargeBinary)
    }
    assert binary == NOT_ENCRYPTED | {f"{stored.table}.{stored.column}" for stored in STORED_SECRETS}, (
        "give a column of encrypted secrets its row in STORED_SECRETS (identity/key_rotation.py)"
    )


def add_factor(address: DatabaseUrls, key: bytes) -> tuple[UUID, UUID, str]:
    """A user with a second factor that was encrypted as the first release did it: clinic, user and secret."""
    account, secret = add_account(address, role="billing"), pyotp.random_base32()
    [user] = rows(address, "select clinic_id, id from users where id = $1", account.id)
    cipher = AESGCM(hmac.digest(key, b"second factors", hashlib.sha256))
    sealed = bytes(12) + cipher.encrypt(bytes(12), secret.encode(), user["clinic_id"].bytes + user["id"].bytes)
    rows(
        address,
        """insert into login_second_factors (bound_clinic_id, login_id, secret, confirmed_at) values ($1, $2, $3, now())""",
        *user,
        sealed,
    )
    return user["clinic_id"], user["id"], secret


def over(address: DatabaseUrls, work: Any) -> Any:
    async def run() -> Any:
        async with Database(address.login) as database:
            return await work(database)

    return asyncio.run(run())


async def is_accepted(connection: asyncpg.Connection, factor: tuple[UUID, UUID, str], *keys: bytes) -> bool:
    """Whether the current code of a factor is accepted by a server with these keys."""
    _, login_id, secret = factor
    moment = datetime.now(UTC)
    factors = SecondFactors(SecretKeys(keys[0], keys[1:]))
    return await factors.use(connection, login_id, pyotp.TOTP(secret).at(moment), moment) is None


def accepts(address: DatabaseUrls, factor: tuple[UUID, UUID, str], *keys: bytes) -> bool:
    async def ask(database: Database) -> bool:
        async with database.signing_in() as connection:
            await connection.execute("update login_second_factors set last_step = null where login_id = $1", factor[1])
            return await is_accepted(connection, factor, *keys)

    return bool(over(address, ask))


def test_each_secret_is_re_encrypted_once_and_what_no_key_reads_stays_as_it_is(own_address: DatabaseUrls) -> None:
    # More than one page of rows.
    former = [add_factor(own_address, FORMER) for _ in range(103)]
    newest, lost = add_factor(own_address, NEW), add_factor(own_address, OTHER)
    before = rows(own_address, "select secret from login_second_factors where login_id = $1", lost[1])
    expected = Rotation("second factors", newest=1, old=103, unreadable=1)
    assert over(own_address, lambda database: examine(database, BOTH)) == [expected]
    assert over(own_address, lambda database: rotate(database, BOTH)) == [expected]
    again = Rotation("second factors", newest=104, old=0, unreadable=1)
    assert over(own_address, lambda database: rotate(database, BOTH)) == [again]
    for factor in (former[0], former[-1], newest):
        assert accepts(own_address, factor, NEW)
        assert not accepts(own_address, factor, FORMER)
    assert rows(own_address, "select secret from login_second_factors where login_id = $1", lost[1]) == before


def test_two_rotations_and_a_code_at_once_wait_for_each_other(own_address: DatabaseUrls) -> None:
    factor = add_factor(own_address, FORMER)

    async def race(database: Database) -> list[Any]:
        async with database.signing_in() as connection:
            # The code is checked, and not yet recorded as used, while the command comes to the same row.
            locked = connection.execute(
                "select from login_second_factors where login_id = $1 for no key update", factor[1]
            )
            await locked
            rotating = [asyncio.create_task(rotate(database, BOTH)) for _ in range(2)]
            await asyncio.sleep(0.3)
            assert not any(task.done() for task in rotating)
            is_used = await is_accepted(connection, factor, NEW, FORMER)
        return [is_used, *await asyncio.gather(*rotating)]

    is_used, *found = over(own_address, race)
    assert is_used
    assert sorted((one.old, one.newest) for [one] in found) == [(0, 1), (1, 0)]


def test_a_code_is_accepted_while_its_secret_is_re_encrypted(own_address: DatabaseUrls) -> None:
    factor = add_factor(own_address, FORMER)

    async def use(database: Database) -> bool:
        async with database.signing_in() as connection:
            return await is_accepted(connection, factor, NEW, FORMER)

    async def race(database: Database) -> bool:
        anew = Encryption(BOTH.every("second factors")).seal(factor[2], factor[0].bytes + factor[1].bytes)
        async with database.signing_in() as rotating:
            await rotating.execute("update login_second_factors set secret = $2 where login_id = $1", factor[1], anew)
            using = asyncio.create_task(use(database))
            await asyncio.sleep(0.3)
        return await using

    assert over(own_address, race)
