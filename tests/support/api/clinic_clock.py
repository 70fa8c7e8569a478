"""The clock of a server that tests assemble: noon of the demo's day until a test sets another time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from tests.support.databases import TODAY

NEW_YORK = "America/New_York"


def moment(day: date, hour: int = 12, minute: int = 0, zone: str = NEW_YORK) -> datetime:
    """A moment from the local time of a clinic."""
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone)).astimezone(UTC)


class ClinicClock:
    """A clock with a fixed time."""

    def __init__(self) -> None:
        self.moment = moment(TODAY)

    def __call__(self) -> datetime:
        return self.moment

    @contextmanager
    def set_to(self, moment: datetime) -> Iterator[None]:
        """Set another moment while this context is open."""
        before, self.moment = self.moment, moment
        try:
            yield
        finally:
            self.moment = before
