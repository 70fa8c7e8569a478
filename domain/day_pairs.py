"""The pairs of days of which one must not be after the other, whatever was recorded first."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class DayPair:
    """Two columns with days, the message where the later one lies before the earlier one, and the same as a law of `billing verify`."""

    earlier: str
    later: str
    message: str
    law: str

    def holds(self, earlier: date | None, later: date | None) -> bool:
        """Whether two days are in order; a day that is not known breaks nothing."""
        return earlier is None or later is None or earlier <= later


INJURY_SERVICE = DayPair(
    "date_of_injury",
    "service_date",
    "The treatment must not be before the date of injury",
    "Treatment is not before the injury, unless an administrator confirmed it",
)
SERVICE_CREATION = DayPair(
    "service_date",
    "created_on",
    "The service date must not be after the creation date",
    "An invoice is not created before the treatment",
)
CREATION_SUBMISSION = DayPair(
    "created_on",
    "submitted_on",
    "The submission date must not be before the creation date",
    "An invoice is not submitted before its creation",
)
PAIRS = (INJURY_SERVICE, SERVICE_CREATION, CREATION_SUBMISSION)
