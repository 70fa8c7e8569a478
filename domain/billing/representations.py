"""The representation of a case by attorneys: its periods, and what a change of attorney from a day on makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from domain.errors import Conflict, InvalidInput

# A substitution of attorneys is agreed some weeks before it takes effect; a wrong year is further ahead than this.
LONGEST_NOTICE = timedelta(days=90)


class AttorneyChangeStatus(StrEnum):
    """Whether a change of attorney that was recorded in advance is still to take effect, and how it ended if not."""

    PENDING = "pending"
    APPLIED = "applied"
    REPLACED = "replaced"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Period:
    """A period of representation, from a day until before another one; `until_on` is None while it lasts."""

    id: UUID
    attorney_id: UUID
    from_on: date
    until_on: date | None


@dataclass(frozen=True, slots=True)
class NewPeriod:
    """A period to be recorded; `known_from` is the day of recording, where the period begins before it."""

    attorney_id: UUID
    from_on: date
    until_on: date | None = None
    known_from: date | None = None


@dataclass(slots=True)
class Substitution:
    """The effect of a change of attorney: periods that end on its day, periods that are replaced as wrong, and new periods."""

    ended: list[UUID] = field(default_factory=list)
    replaced: list[UUID] = field(default_factory=list)
    added: list[NewPeriod] = field(default_factory=list)


def check_effective_day(day: date, today: date, date_of_injury: date) -> None:
    """Refuse a change of attorney before the injury, or further ahead than the longest notice."""
    if day < date_of_injury:
        raise InvalidInput(f"The date must not be before the date of injury, {date_of_injury}", ("effective_on",))
    if day > today + LONGEST_NOTICE:
        raise InvalidInput(f"The date must not be more than {LONGEST_NOTICE.days} days ahead", ("effective_on",))


def substitute(periods: Sequence[Period], attorney_id: UUID | None, day: date, today: date) -> Substitution:
    """What the attorney (None: no attorney) of a case from a day on, today or before, makes of its known periods.

    What was recorded before today for the time since that day is replaced, not changed: figures as of an earlier day stay as
    they were. Conflict if nothing changes.
    """
    later = [one for one in periods if one.until_on is None or one.until_on > day]
    if _is_so_already(later, attorney_id, day):
        raise Conflict("The case already has this attorney since then", ("attorney_id",))
    made, known_from = Substitution(), today if day < today else None
    for one in later:
        if day == today:
            made.ended.append(one.id)
            continue
        made.replaced.append(one.id)
        if one.from_on < day:
            made.added.append(NewPeriod(one.attorney_id, one.from_on, day, known_from))
    if attorney_id is not None:
        made.added.append(NewPeriod(attorney_id, day, None, known_from))
    return made


def _is_so_already(later: Sequence[Period], attorney_id: UUID | None, day: date) -> bool:
    if attorney_id is None:
        return not later
    return len(later) == 1 and later[0].attorney_id == attorney_id and later[0].from_on <= day
