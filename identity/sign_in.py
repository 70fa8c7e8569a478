"""Sign-in: counts the attempt for the lockout, checks the password and the second factor, and begins a session in a clinic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from domain.access.sign_in import (
    CLINIC_NEEDED,
    CODE_NEEDED,
    CODE_WRONG,
    NO_ACCOUNT,
    REFUSED,
    SECOND_FACTOR_NEEDED,
    Attempt,
    plain_name,
)
from domain.audit import NO_CLINIC
from domain.errors import Conflict, InputReason, InvalidInput
from identity.credentials import Credentials
from identity.lockout import Claim
from identity.logins import end_sessions, list_accounts, lock_login
from identity.second_factor import Enrolment, SecondFactors
from identity.sessions import Sessions, viewer_of
from permissions.viewers import Viewer

# The clinic that an attempt names; without a name, so many that it shows whether there is only one.
_CLINICS = "select clinic_id from clinics where $1::text is null or short_name = $1 limit 2"
_NO_LOGIN = _NO_SESSION = UUID(int=0)


def _ignore(clinic_id: UUID) -> None:
    """Keeps nothing of a sign-in attempt without an account."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session; with recovery codes, shown once, where it was begun by the first code of a new second factor."""

    token: str
    expires_at: datetime
    viewer: Viewer
    recovery_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The account to sign in to, for which the code was used up."""

    account: asyncpg.Record
    recovery_codes: tuple[str, ...] = ()


class ClinicNeeded(InvalidInput):
    """The password is right, and the login has accounts in several clinics: one has to be chosen."""

    def __init__(self, accounts: Sequence[Viewer]) -> None:
        super().__init__(CLINIC_NEEDED, ("clinic",))
        self.accounts = tuple(accounts)


class SecondFactorNeeded(InvalidInput):
    """The password is right, and the clinic asks for a second factor, which the login does not have yet."""

    def __init__(self, enrolment: Enrolment) -> None:
        super().__init__(SECOND_FACTOR_NEEDED, ("second_factor_code",))
        self.enrolment = enrolment


class SignIns:
    """Signs users in, in one server process."""

    def __init__(self, credentials: Credentials, sessions: Sessions, factors: SecondFactors) -> None:
        self._credentials, self._sessions, self._factors = credentials, sessions, factors

    async def sign_in(
        self, attempt: Attempt, meant: Callable[[Viewer], None], unknown: Callable[[UUID], None] = _ignore
    ) -> SignedIn:
        """A new session; InvalidInput with the same message and work for every cause of failure.

        ClinicNeeded and SecondFactorNeeded say to those who know the password what is missing. `meant` is called with each account
        that the attempt may be about; where there is none, `unknown` is called with the clinic that it names, or with the only one.
        """
        keys = self._credentials.lockout.keys(attempt)
        async with self._credentials.turn(keys):
            async with self._credentials.entered() as connection:
                claimed = await self._credentials.claim(connection, attempt, keys)
                if claimed is None:
                    raise InvalidInput(REFUSED, (), InputReason.WRONG_CREDENTIALS)
                claim, login = claimed
                # The same work without a login, so that the time does not show that there is none.
                accounts = await list_accounts(connection, login["id"] if login else _NO_LOGIN)
                clinics = await connection.fetch(_CLINICS, plain_name(attempt.clinic))
            for account in _named(accounts, attempt.clinic) or accounts:
                meant(viewer_of(account))
            if not accounts:
                unknown(clinics[0]["clinic_id"] if len(clinics) == 1 else NO_CLINIC)
            stored = login["password_hash"] if login else None
            is_right = await self._credentials.is_right(claim, stored, attempt.password)
            await self._forget_old()
            if login is None or not is_right or not accounts:
                raise InvalidInput(REFUSED, (), InputReason.WRONG_CREDENTIALS)
            return await self._let_in(attempt, claim, login)

    async def _let_in(self, attempt: Attempt, claim: Claim, login: asyncpg.Record) -> SignedIn:
        renewed = await self._credentials.passwords.renew(login["password_hash"], attempt.password)
        async with self._credentials.entered() as connection:
            # The password or the accounts may have changed while the password was hashed.
            stored, accounts = await lock_login(connection, login["id"])
            if stored != login["password_hash"] or not accounts:
                raise InvalidInput(REFUSED, (), InputReason.WRONG_CREDENTIALS)
            await self._credentials.renew(connection, login, renewed)
            outcome = await self._outcome(connection, attempt, login, accounts)
            if not isinstance(outcome, InvalidInput):
                await self._credentials.lockout.succeed(connection, claim, self._credentials.clock())
                begun = await self._sessions.begin(connection, outcome.account)
                return SignedIn(*begun, outcome.recovery_codes)
            # What the client has to ask for is no failure. A wrong code is: it limits guessing.
            if outcome.message != CODE_WRONG:
                await self._credentials.lockout.release(connection, claim)
        raise outcome

    async def _outcome(
        self, connection: asyncpg.Connection, attempt: Attempt, login: asyncpg.Record, accounts: list[asyncpg.Record]
    ) -> _Chosen | InvalidInput:
        """The account to sign in to, for which the code was used up; or what is wrong or missing."""
        use = await self._factors.check(connection, login["id"], attempt.code, self._credentials.clock())
        if isinstance(use, InvalidInput):
            return use
        # The clinic is asked for before the code is used up, so that the same code serves the next attempt.
        candidates = accounts if attempt.clinic is None else _named(accounts, attempt.clinic)
        if len(candidates) != 1:
            return (
                ClinicNeeded([viewer_of(one) for one in candidates])
                if candidates
                else InvalidInput(NO_ACCOUNT, ("clinic",))
            )
        (account,) = candidates
        if use is None:
            if account["needs_second_factor"]:
                return await self._first_code(connection, attempt, account, login)
            return _Chosen(account)
        return (
            _Chosen(account)
            if await use()
            else InvalidInput(CODE_WRONG, ("second_factor_code",), InputReason.WRONG_CREDENTIALS)
        )

    async def _first_code(
        self, connection: asyncpg.Connection, attempt: Attempt, account: asyncpg.Record, login: asyncpg.Record
    ) -> _Chosen | InvalidInput:
        """A second factor is needed and there is none yet: it is enrolled, and confirmed by the first code."""
        if not attempt.code:
            issuer = account["clinic_name"]
            try:
                return SecondFactorNeeded(await self._factors.enrol(connection, login["id"], login["email"], issuer))
            except Conflict:
                # Another sign-in has confirmed one in the meantime.
                return InvalidInput(CODE_NEEDED, ("second_factor_code",), InputReason.CODE_NEEDED)
        try:
            codes = await self._factors.confirm(connection, login["id"], attempt.code, self._credentials.clock())
        except InvalidInput:
            return InvalidInput(CODE_WRONG, ("second_factor_code",), InputReason.WRONG_CREDENTIALS)
        # All sessions of the login have begun without a code.
        for session_id in await end_sessions(connection, login["id"], _NO_SESSION, self._credentials.clock()):
            self._sessions.forget(session_id)
        return _Chosen(account, tuple(codes))

    async def _forget_old(self) -> None:
        lockout, moment = self._credentials.lockout, self._credentials.clock()
        if lockout.is_due(moment):
            async with self._credentials.entered() as connection:
                await lockout.forget_old(connection, moment)


def _named(accounts: list[asyncpg.Record], clinic: str | None) -> list[asyncpg.Record]:
    return [account for account in accounts if account["short_name"] == clinic]
