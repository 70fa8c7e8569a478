"""The driver of pgqueuer for a channel on which everybody may notify: a notification says only that the queue may have changed."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
from pgqueuer import AsyncpgPoolDriver
from pgqueuer.models import TableChangedEvent
from pgqueuer.ports.driver import NotifyCallback
from pgqueuer.types import Channel

from db.sealed_hints import Hints, Inbox

_LOOKS_EVERY_SECONDS = 0.2


class QueueDriver(AsyncpgPoolDriver):
    """A driver that seals what pgqueuer notifies, and reads nothing else: its own events could cancel jobs.

    Any other notification makes a worker look into the queue, as the queue's trigger wants: at once, and then at most five times
    a second.
    """

    def __init__(self, pool: asyncpg.Pool, hints: Hints) -> None:
        super().__init__(pool)
        self._hints = hints
        self._is_listening = asyncio.Event()

    async def notify(self, channel: str, payload: str) -> None:
        """Notify the workers of an event of pgqueuer, such as the check that it hears itself.

        It waits for the listener: pgqueuer makes the first check before it listens, and a check that is not heard ends the worker's run.
        """
        await self._is_listening.wait()
        await super().notify(channel, self._hints.seal(channel, payload))

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Pass on the events of workers, and any other notification as a change of the queue."""
        await super().add_listener(channel, _Passing(channel, callback, Inbox(self._hints)))
        self._is_listening.set()


@dataclass(eq=False)
class _Passing:
    channel: str
    callback: NotifyCallback
    inbox: Inbox
    _is_resting: bool = False
    _is_asked: bool = False

    def __call__(self, payload: str | bytes | bytearray) -> None:
        event = self.inbox.read(self.channel, payload if isinstance(payload, str) else bytes(payload).decode())
        if isinstance(event, str):
            self.callback(event)
            return
        self._is_asked = True
        if not self._is_resting:
            self._look()

    def _look(self) -> None:
        self._is_resting, self._is_asked = self._is_asked, False
        if self._is_resting:
            self.callback(_changed(self.channel))
            asyncio.get_running_loop().call_later(_LOOKS_EVERY_SECONDS, self._look)


def _changed(channel: str) -> str:
    event = TableChangedEvent(
        channel=Channel(channel),
        sent_at=datetime.now(UTC),
        type="table_changed_event",
        operation="update",
        table="pgqueuer",
    )
    return event.model_dump_json()
