"""The sign-in queue: a concurrency limit of waiting sign-ins with a share per address, one at a time per e-mail and address."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from weakref import WeakValueDictionary

from domain.errors import UNAVAILABLE, RequestError
from limits import concurrency
from limits.concurrency import ConcurrencyLimit

# A waiting sign-in also holds one of the request slots of the process; most of those must stay free for other requests.
LARGEST_QUEUE = 96
LARGEST_QUEUE_OF_ONE_ADDRESS = LARGEST_QUEUE // 2
_PATIENCE_SECONDS = 10


class SignInOverloadedError(RequestError):
    """Overload: more users sign in than the machine can hash passwords for; the answer is 503 with Retry-After."""

    def __init__(self) -> None:
        super().__init__("Too many people are signing in: try again", UNAVAILABLE)


def acquire_within(lock: asyncio.Semaphore | asyncio.Lock) -> AbstractAsyncContextManager[None]:
    """Hold a semaphore or lock; SignInOverloadedError when it is not acquired within the timeout."""
    return concurrency.acquire_within(lock, _PATIENCE_SECONDS, SignInOverloadedError)


class SignInQueue:
    """The sign-in queue of one server process."""

    def __init__(self) -> None:
        self._limit = ConcurrencyLimit(LARGEST_QUEUE, LARGEST_QUEUE_OF_ONE_ADDRESS, SignInOverloadedError)
        # The lock of an e-mail at an address lives as long as a sign-in waits for it or holds it.
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._limit)

    @asynccontextmanager
    async def turn(self, address: bytes, pair: bytes) -> AsyncIterator[None]:
        """A slot in the queue, then the lock of this e-mail at this address; SignInOverloadedError without a slot or after the timeout."""
        with self._limit.slot(address):
            async with acquire_within(self._locks.setdefault(pair, asyncio.Lock())):
                yield
