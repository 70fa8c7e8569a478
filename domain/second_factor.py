"""Decides which one-time codes are good: those of RFC 6238 for half minutes near now, each of them once."""

import hmac
import re
from collections.abc import Callable
from datetime import datetime

STEP_SECONDS = 30
# A clock that is half a minute off, or a slow hand, is forgiven.
DRIFT = 1
_CODE = re.compile(r"[0-9]{6}")


def step_of(code: str, code_at: Callable[[int], str], moment: datetime, last_step: int | None) -> int | None:
    """The half minute that a code is good for; None for one that is wrong, too old, too early, or not newer than the last one used."""
    said = "".join(code.split())
    now = int(moment.timestamp()) // STEP_SECONDS
    steps = range(now - DRIFT, now + DRIFT + 1)
    # All of them are compared, so that time does not tell which one it was.
    good = [step for step in steps if _CODE.fullmatch(said) and hmac.compare_digest(said, code_at(step))]
    return next((step for step in good if last_step is None or step > last_step), None)
