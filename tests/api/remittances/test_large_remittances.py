"""A remittance of ten thousand claims is imported and posted in less than half a minute; a smaller one in its part of that."""

import os
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.api.remittances.many import copies, paying
from tests.api.remittances.remitting import of_lines, payer_name, upload
from tests.support.api.mutations import done
from tests.support.api.records import today
from tests.support.api.scenarios import Clinic, backdate
from tests.support.databases import rows
from tests.support.x12.writer import written

_FEW = "remittance { id claimCount postedCount waitingCount }"
_PATIENCE = 300


def _posted(clinic: Clinic, wanted: int) -> tuple[float, float]:
    """Seconds of processor time, and by the clock, of importing and posting so many claims of invoices and a payment of past days."""
    first = of_lines(clinic, ("A4556", "100.00"), ("L0120", "50.00"))
    backdate(clinic, first)
    sent = paying(copies(clinic, first, wanted), paid_on=today() - timedelta(days=1))
    identity = upload(clinic.billing, written(replace(sent, payer_name=payer_name(clinic))))
    clinic.billing.http.timeout = _PATIENCE
    before, started = os.times(), time.monotonic()
    came = done(clinic.billing, "importRemittance", _FEW, uploadId=identity)
    assert came["claimCount"] == wanted
    now = done(clinic.billing, "postRemittance", _FEW, remittanceId=came["id"])
    after, by_the_clock = os.times(), time.monotonic() - started
    assert (now["postedCount"], now["waitingCount"]) == (wanted, 0)
    used = after.user + after.system - before.user - before.system
    # The child process that reads the file has ended.
    read = after.children_user - before.children_user
    paid = "select count(*) from invoices where number like 'COPY-%' and balance = 10 and received_amount = 120"
    assert rows(clinic.address, paid)[0][0] == wanted
    return used + read, by_the_clock


def test_a_thousand_claims_are_posted_in_the_tenth_part_of_the_time(clinic: Clinic) -> None:
    used, _ = _posted(clinic, 1_000)
    assert used < 3


@pytest.mark.prove
def test_ten_thousand_claims_are_posted_in_half_a_minute(clinic: Clinic) -> None:
    used, by_the_clock = _posted(clinic, 10_000)
    print(f"{used:.1f} s of processor time without PostgreSQL's, {by_the_clock:.1f} s by the clock")  # noqa: T201 (the figures are the output)
    assert by_the_clock < 30
