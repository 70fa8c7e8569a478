"""Decides how passwords are checked: by argon2id, few at a time, after the same work whether there is an account or not."""

import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.sign_in import LONGEST_PASSWORD
from server.crowds import in_turn

# Each takes 64 MiB and a core: so many at once, whatever is asked.
AT_ONCE = min(4, os.cpu_count() or 1)
_Answer = TypeVar("_Answer")

# Of a thread; argon2 begins further ones in it, which have the same.
_NICE = 10


def _step_back() -> None:
    """Leave the cores to the requests that are answered; where the system knows no priority of a thread, all are alike."""
    if sys.platform == "linux":
        os.nice(_NICE)


class Passwords:
    """The passwords that one server process checks and hashes."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._threads = ThreadPoolExecutor(AT_ONCE, "passwords", _step_back)
        # An unknown user costs the same hashing as a known one.
        self._nobody = self._hasher.hash(secrets.token_hex())

    async def is_right(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one that was stored; after the same work it is not, where none was stored."""
        async with in_turn(self._slots):
            matches = await self._run(lambda: self._matches(stored or self._nobody, password[:LONGEST_PASSWORD]))
        return matches and stored is not None and len(password) <= LONGEST_PASSWORD

    async def renew(self, stored: str, password: str) -> str | None:
        """The hash to store instead, when the parameters have changed since the right password was hashed; else None."""
        if not self._hasher.check_needs_rehash(stored):
            return None
        return await self.hash(password)

    async def hash(self, password: str) -> str:
        """What is kept of a new password."""
        async with in_turn(self._slots):
            return await self._run(lambda: self._hasher.hash(password.encode("utf-8", "surrogatepass")))

    async def _run(self, work: Callable[[], _Answer]) -> _Answer:
        # Threads of their own, because a request that is given up gives back its slot before its hash is done.
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False
