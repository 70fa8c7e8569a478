"""Second factors of logins (TOTP): enrolment with a secret that is shown once and stored encrypted, codes, and recovery codes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import pyotp

from domain.access.recovery_codes import hash_of_code, new_codes, plain_code
from domain.access.second_factor import step_of
from domain.access.secret_keys import SecretKeys
from domain.access.sign_in import CODE_NEEDED, CODE_WRONG
from domain.errors import Conflict, InputReason, InvalidInput
from identity.encryption import Encryption

# The purpose of the keys that encrypt the secrets.
PURPOSE = "second factors"
_FIELD = ("second_factor_code",)
_ENROL = """insert into login_second_factors as f (login_id, secret) values ($1, $2)
    on conflict (login_id) do update set secret = $2, bound_clinic_id = null, last_step = null
    where f.confirmed_at is null returning login_id"""
# Locked until a code is used, because `billing rotate-keys` may replace the secret in the meantime.
_FIND = """select secret, bound_clinic_id, last_step, confirmed_at from login_second_factors where login_id = $1
    for no key update"""
_STATE = """select exists (select from login_second_factors where login_id = $1 and confirmed_at is not null) as is_active,
    (select count(*) from recovery_codes where login_id = $1) as recovery_codes_left"""
# Of two concurrent uses of the same code, only one gets the row: a code cannot be replayed.
_USE = """update login_second_factors set last_step = $2, confirmed_at = coalesce(confirmed_at, $3)
    where login_id = $1 and secret = $4 and (last_step is null or last_step < $2) returning login_id"""
_REMOVE = "delete from login_second_factors where login_id = $1 returning login_id"
_CODE_EXISTS = "select 1 from recovery_codes where login_id = $1 and code_hash = $2"
_USE_CODE = "delete from recovery_codes where login_id = $1 and code_hash = $2 returning login_id"
_REMOVE_CODES = "delete from recovery_codes where login_id = $1"
_ADD_CODES = "insert into recovery_codes (login_id, code_hash) select $1, unnest($2::bytea[])"
_MOVE = """insert into login_second_factors (login_id, secret, confirmed_at, last_step) values ($1, $2, $3, $4)
    on conflict (login_id) do nothing"""

# Uses up a code that was found right; False when another sign-in has used it by now.
UseCode = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs, shown once: the secret, and the otpauth URL that a QR code shows."""

    secret: str
    otpauth_url: str


@dataclass(frozen=True, slots=True)
class SecondFactorState:
    """Whether a login has a confirmed second factor, and how many recovery codes are left."""

    is_active: bool
    recovery_codes_left: int


class SecondFactors:
    """Stores and checks second factors; each method runs within a transaction of the sign-in role."""

    def __init__(self, keys: SecretKeys) -> None:
        self._encryption = Encryption(keys.every(PURPOSE))

    async def enrol(self, connection: asyncpg.Connection, login_id: UUID, email: str, issuer: str) -> Enrolment:
        """A new secret, which takes effect once it is confirmed; Conflict when there is a second factor already."""
        secret = pyotp.random_base32()
        if not await connection.fetchrow(_ENROL, login_id, self._sealed(secret, login_id)):
            raise Conflict("There is a second factor already: remove it first")
        return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer))

    async def confirm(self, connection: asyncpg.Connection, login_id: UUID, code: str, moment: datetime) -> list[str]:
        """Activate the enrolled second factor; returns new recovery codes. InvalidInput for a wrong code, or when none is enrolled."""
        factor = await connection.fetchrow(_FIND, login_id)
        if factor is None or factor["confirmed_at"]:
            raise InvalidInput("No second factor is waiting for confirmation: enrol one first")
        use = self._by_app(connection, login_id, factor, code, moment)
        if use is None or not await use():
            raise InvalidInput(CODE_WRONG, ("code",), InputReason.WRONG_CREDENTIALS)
        return await self.renew_codes(connection, login_id)

    async def remove(self, connection: asyncpg.Connection, login_id: UUID) -> bool:
        """Remove the second factor and its recovery codes, so that the password alone signs in; False when there was none."""
        await connection.execute(_REMOVE_CODES, login_id)
        return await connection.fetchrow(_REMOVE, login_id) is not None

    async def state(self, connection: asyncpg.Connection, login_id: UUID) -> SecondFactorState:
        """Whether there is a confirmed second factor, and how many recovery codes are left."""
        found = await connection.fetchrow(_STATE, login_id)
        assert found is not None
        return SecondFactorState(found["is_active"], found["recovery_codes_left"])

    async def renew_codes(self, connection: asyncpg.Connection, login_id: UUID) -> list[str]:
        """New recovery codes, shown once; those before are of no more use."""
        codes = new_codes()
        await connection.execute(_REMOVE_CODES, login_id)
        hashes = [hash_of_code(login_id, plain_code(code) or "") for code in codes]
        await connection.execute(_ADD_CODES, login_id, hashes)
        return codes

    async def check(
        self, connection: asyncpg.Connection, login_id: UUID, code: str | None, moment: datetime
    ) -> InvalidInput | UseCode | None:
        """The refusal of a sign-in with the right password; or what uses up the right code; None without a second factor."""
        factor = await connection.fetchrow(_FIND, login_id)
        if factor is None or factor["confirmed_at"] is None:
            return None
        if not code:
            return InvalidInput(CODE_NEEDED, _FIELD, InputReason.CODE_NEEDED)
        by_code = await self._by_recovery_code(connection, login_id, code)
        return (
            by_code
            or self._by_app(connection, login_id, factor, code, moment)
            or InvalidInput(CODE_WRONG, _FIELD, InputReason.WRONG_CREDENTIALS)
        )

    async def use(
        self, connection: asyncpg.Connection, login_id: UUID, code: str | None, moment: datetime
    ) -> InvalidInput | None:
        """Check a code and use it up; the refusal, if it is not right. None without a second factor, too."""
        use = await self.check(connection, login_id, code, moment)
        if use is None or isinstance(use, InvalidInput):
            return use
        return None if await use() else InvalidInput(CODE_WRONG, _FIELD, InputReason.WRONG_CREDENTIALS)

    async def move(self, connection: asyncpg.Connection, source: UUID, target: UUID) -> None:
        """Give the confirmed second factor of a login to another one that has none; the recovery codes are not moved."""
        factor = await connection.fetchrow(_FIND, source)
        secret = self._opened(factor, source) if factor and factor["confirmed_at"] else None
        if factor and secret:
            sealed = self._sealed(secret, target)
            await connection.execute(_MOVE, target, sealed, factor["confirmed_at"], factor["last_step"])
        await self.remove(connection, source)

    async def _by_recovery_code(self, connection: asyncpg.Connection, login_id: UUID, code: str) -> UseCode | None:
        plain = plain_code(code)
        if plain is None:
            return None
        hashed = hash_of_code(login_id, plain)

        async def use() -> bool:
            return await connection.fetchrow(_USE_CODE, login_id, hashed) is not None

        return use if await connection.fetchrow(_CODE_EXISTS, login_id, hashed) else None

    def _by_app(
        self, connection: asyncpg.Connection, login_id: UUID, factor: asyncpg.Record, code: str, moment: datetime
    ) -> UseCode | None:
        secret = self._opened(factor, login_id)
        code_at = pyotp.TOTP(secret).generate_otp if secret else None
        step = step_of(code, code_at, moment, factor["last_step"]) if code_at else None

        async def use() -> bool:
            return await connection.fetchrow(_USE, login_id, step, moment, factor["secret"]) is not None

        return use if step is not None else None

    def _sealed(self, secret: str, login_id: UUID) -> bytes:
        return self._encryption.seal(secret, login_id.bytes)

    def _opened(self, factor: asyncpg.Record, login_id: UUID) -> str | None:
        """The decrypted secret; None when none of the server's keys has encrypted it, or the row belongs to another login."""
        bound_clinic: UUID | None = factor["bound_clinic_id"]
        bound_to = (bound_clinic.bytes if bound_clinic else b"") + login_id.bytes
        opened = self._encryption.open(factor["secret"], bound_to)
        return opened.text if opened else None
