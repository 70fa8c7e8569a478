"""Decides what time it is for a server that tests put together: noon of the demo's day until a test says otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from tests.databases import TODAY

NEW_YORK = "America/New_York"


def moment(day: date, hour: int = 12, minute: int = 0, zone: str = NEW_YORK) -> datetime:
    """A moment as a clock on the wall of a clinic shows it."""
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone)).astimezone(UTC)


class ClinicClock:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.moment = moment(TODAY)

    def __call__(self) -> datetime:
        return self.moment

    @contextmanager
    def set_to(self, moment: datetime) -> Iterator[None]:
        """Another moment, for as long as it takes."""
        before, self.moment = self.moment, moment
        try:
            yield
        finally:
            self.moment = before
