"""Verifies one-time codes of the second factor (TOTP, RFC 6238): each code is accepted once, near its half minute."""

import hmac
import re
from collections.abc import Callable
from datetime import datetime

STEP_SECONDS = 30
# One time step of tolerance, for a clock that is half a minute off or a user who types slowly.
DRIFT = 1
_CODE = re.compile(r"[0-9]{6}")


def step_of(code: str, code_at: Callable[[int], str], moment: datetime, last_step: int | None) -> int | None:
    """The time step of a valid code; None for a code that is wrong, too old, too early, or not newer than the last one used."""
    digits = "".join(code.split())
    now = int(moment.timestamp()) // STEP_SECONDS
    steps = range(now - DRIFT, now + DRIFT + 1)
    # All steps are compared, so that the response time does not reveal which one matched.
    good = [step for step in steps if _CODE.fullmatch(digits) and hmac.compare_digest(digits, code_at(step))]
    return next((step for step in good if last_step is None or step > last_step), None)
