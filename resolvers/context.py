"""Decides what every resolver can reach: who asks, the database, the clinic's day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol

from db.pools import Database
from domain.clinics import clinic_day
from permissions.viewers import Viewer

Clock = Callable[[], datetime]


def now() -> datetime:
    """The moment it is."""
    return datetime.now(UTC)


class Sessions(Protocol):
    """Signing in and out, as the server does it."""

    async def sign_in(self, email: str, password: str, clinic: str | None) -> Any:
        """(token, expires at, viewer), or None whatever the reason."""

    async def sign_out(self, viewer: Viewer) -> None:
        """End the session of a viewer."""


@dataclass(slots=True)
class RequestContext:
    """What belongs to one request."""

    viewer: Viewer | None
    database: Database
    sessions: Sessions
    request_id: str
    clock: Clock = now

    @property
    def today(self) -> date:
        """The calendar day in the viewer's clinic; nobody's day is UTC's."""
        return clinic_day(self.clock(), self.viewer.time_zone if self.viewer else "UTC")
