"""Decides how many sign-ins wait: a bounded number, half of it from one address, and one by one for the same e-mail from there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from weakref import WeakValueDictionary

from graphql import GraphQLError

from server import rooms
from server.executing import UNAVAILABLE
from server.rooms import Room

# Whoever waits here holds a seat among the requests of the process, too: most of those are for others.
SEATS = 96
SEATS_OF_ONE_ADDRESS = SEATS // 2
_PATIENCE_SECONDS = 10


class CrowdedError(GraphQLError):
    """More people sign in than the machine can hash passwords for: the answer is 503, and when to try again."""

    def __init__(self) -> None:
        super().__init__("Too many people are signing in: try again", extensions={"code": UNAVAILABLE})


def in_turn(door: asyncio.Semaphore | asyncio.Lock) -> AbstractAsyncContextManager[None]:
    """Through a door when it is one's turn; CrowdedError when that takes too long."""
    return rooms.in_turn(door, _PATIENCE_SECONDS, CrowdedError)


class WaitingRoom:
    """Who waits to be signed in by one server process."""

    def __init__(self) -> None:
        self._room = Room(SEATS, SEATS_OF_ONE_ADDRESS, CrowdedError)
        # A lock lives as long as somebody waits for it.
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._room)

    @asynccontextmanager
    async def turn(self, address: bytes, pair: bytes) -> AsyncIterator[None]:
        """A seat, and then the turn of this e-mail from this address; CrowdedError when there is no seat, or no turn for long."""
        with self._room.seat(address):
            async with in_turn(self._locks.setdefault(pair, asyncio.Lock())):
                yield
