"""The clock: what returns the current moment, in UTC."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

Clock = Callable[[], datetime]

now: Clock = partial(datetime.now, UTC)
