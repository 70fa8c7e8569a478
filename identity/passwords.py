"""Password hashing with argon2id under a concurrency limit; a check takes the same work whether the account exists or not."""

import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.access.sign_in import LONGEST_PASSWORD
from identity.sign_in_queue import acquire_within

# The concurrency limit: each hash takes 64 MiB and a core.
AT_ONCE = min(4, os.cpu_count() or 1)
_Answer = TypeVar("_Answer")

# The nice value of a hashing thread; threads that argon2 starts inherit it.
_NICE = 10


def _step_back() -> None:
    """Lower this thread's priority so that other requests get the cores; only Linux has a priority per thread."""
    if sys.platform == "linux":
        os.nice(_NICE)


class Passwords:
    """Checks and hashes passwords in the thread pool of one server process."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._threads = ThreadPoolExecutor(AT_ONCE, "passwords", _step_back)
        # The hash that is checked for an unknown user, so that response times do not reveal whether an account exists.
        self._unknown_user_hash = self._hasher.hash(secrets.token_hex())

    async def is_right(self, stored: str | None, password: str) -> bool:
        """Whether a password matches the stored hash; without a stored hash, False after the same work."""
        async with acquire_within(self._slots):
            matches = await self._run(
                lambda: self._matches(stored or self._unknown_user_hash, password[:LONGEST_PASSWORD])
            )
        return matches and stored is not None and len(password) <= LONGEST_PASSWORD

    async def renew(self, stored: str, password: str) -> str | None:
        """A new hash of the right password when the parameters of argon2 have changed since it was hashed; else None."""
        if not self._hasher.check_needs_rehash(stored):
            return None
        return await self.hash(password)

    async def hash(self, password: str) -> str:
        """The hash to store for a new password."""
        async with acquire_within(self._slots):
            return await self._run(lambda: self._hasher.hash(password.encode("utf-8", "surrogatepass")))

    async def _run(self, work: Callable[[], _Answer]) -> _Answer:
        # A separate thread pool, because a cancelled request releases its slot before its hash is done.
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False
