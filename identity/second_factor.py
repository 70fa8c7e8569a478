"""Second factors (TOTP): enrolment with a secret that is shown once and stored encrypted, confirmation and use of codes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import pyotp

from domain.access.second_factor import step_of
from domain.access.secret_keys import SecretKeys
from domain.access.sign_in import CODE_NEEDED, CODE_WRONG
from domain.errors import Conflict, InvalidInput
from domain.ids import new_id
from identity.encryption import Encryption
from permissions.viewers import Viewer

# The purpose of the keys that encrypt the secrets.
PURPOSE = "second factors"
_ENROL = """insert into second_factors as f (clinic_id, id, user_id, secret) values ($1, $2, $3, $4)
    on conflict (clinic_id, user_id) do update set secret = $4, last_step = null where f.confirmed_at is null returning id"""
# Locked until a code is used, because `billing rotate-keys` may replace the secret in the meantime.
_FIND = """select id, secret, last_step from second_factors
    where clinic_id = $1 and user_id = $2 and (confirmed_at is not null) = $3 for no key update"""
# Of two concurrent uses of the same code, only one gets the row: a code cannot be replayed.
_USE = """update second_factors set last_step = $3, confirmed_at = coalesce(confirmed_at, $4)
    where clinic_id = $1 and id = $2 and secret = $5 and (last_step is null or last_step < $3) returning id"""
_REMOVE = "delete from second_factors where clinic_id = $1 and user_id = $2 returning id"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs, shown once: the secret, and the otpauth URL that a QR code shows."""

    secret: str
    otpauth_url: str


class SecondFactors:
    """Stores and checks second factors; each method runs within a transaction of the sign-in role."""

    def __init__(self, keys: SecretKeys) -> None:
        self._encryption = Encryption(keys.every(PURPOSE))

    async def enrol(self, connection: asyncpg.Connection, viewer: Viewer, moment: datetime) -> Enrolment:
        """A new secret, which takes effect once it is confirmed; Conflict when there is a second factor already."""
        secret = pyotp.random_base32()
        sealed = self._sealed(secret, viewer.clinic_id, viewer.user_id)
        if not await connection.fetchrow(_ENROL, viewer.clinic_id, new_id(moment), viewer.user_id, sealed):
            raise Conflict("There is a second factor already: remove it first")
        url = pyotp.TOTP(secret).provisioning_uri(name=viewer.email, issuer_name=viewer.clinic_name)
        return Enrolment(secret, url)

    async def confirm(self, connection: asyncpg.Connection, viewer: Viewer, code: str, moment: datetime) -> None:
        """Activate the enrolled second factor; InvalidInput when the code is wrong, or none is waiting for confirmation."""
        factor = await connection.fetchrow(_FIND, viewer.clinic_id, viewer.user_id, False)
        if factor is None:
            raise InvalidInput("No second factor is waiting for confirmation: enrol one first")
        if not await self._use(connection, viewer.clinic_id, viewer.user_id, factor, code, moment):
            raise InvalidInput(CODE_WRONG, ("code",))

    async def remove(self, connection: asyncpg.Connection, clinic_id: UUID, user_id: UUID) -> bool:
        """Remove the second factor, so that the password alone signs in; False when there was none."""
        return await connection.fetchrow(_REMOVE, clinic_id, user_id) is not None

    async def refusal(
        self, connection: asyncpg.Connection, account: asyncpg.Record, code: str | None, moment: datetime
    ) -> InvalidInput | None:
        """The refusal of a sign-in with the right password; None when the code is accepted (and used up) or none is required."""
        clinic_id, user_id = account["clinic_id"], account["user_id"]
        factor = await connection.fetchrow(_FIND, clinic_id, user_id, True)
        if factor is None:
            return None
        if not code:
            return InvalidInput(CODE_NEEDED, ("second_factor_code",))
        if await self._use(connection, clinic_id, user_id, factor, code, moment):
            return None
        return InvalidInput(CODE_WRONG, ("second_factor_code",))

    async def _use(
        self,
        connection: asyncpg.Connection,
        clinic_id: UUID,
        user_id: UUID,
        factor: asyncpg.Record,
        code: str,
        moment: datetime,
    ) -> bool:
        secret = self._opened(factor["secret"], clinic_id, user_id)
        code_at = pyotp.TOTP(secret).generate_otp if secret else None
        step = step_of(code, code_at, moment, factor["last_step"]) if code_at else None
        if step is None:
            return False
        return await connection.fetchrow(_USE, clinic_id, factor["id"], step, moment, factor["secret"]) is not None

    def _sealed(self, secret: str, clinic_id: UUID, user_id: UUID) -> bytes:
        return self._encryption.seal(secret, clinic_id.bytes + user_id.bytes)

    def _opened(self, sealed: bytes, clinic_id: UUID, user_id: UUID) -> str | None:
        """The decrypted secret; None when none of the server's keys has encrypted it, or the row belongs to another user."""
        opened = self._encryption.open(sealed, clinic_id.bytes + user_id.bytes)
        return opened.text if opened else None
