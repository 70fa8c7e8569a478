"""A remittance of ten thousand claims is imported and posted in less than half a minute."""

import os
import time
from dataclasses import replace
from datetime import timedelta

from tests.api.remittances.many import copies, paying
from tests.api.remittances.remitting import payer_name, upload
from tests.support.api.mutations import done
from tests.support.api.records import today
from tests.support.api.scenarios import Clinic
from tests.support.x12.writer import written

_FEW = "remittance { id claimCount postedCount waitingCount claims(first: 1) { nodes { reason } } }"


def test_large(clinic: Clinic) -> None:
    from tests.api.remittances.remitting import of_lines

    wanted = int(os.environ.get("WANTED", "1000"))
    first = of_lines(clinic, ("A4556", "100.00"), ("L0120", "50.00"))
    from tests.support.api.scenarios import backdate

    backdate(clinic, first)
    data = written(
        replace(
            paying(copies(clinic, first, wanted)),
            payer_name=payer_name(clinic),
            paid_on=today() - timedelta(days=int(os.environ.get("AGO", "0"))),
        )
    )
    clinic.billing.http.timeout = 300
    identity = upload(clinic.billing, data)
    began = time.monotonic()
    came = done(clinic.billing, "importRemittance", _FEW, uploadId=identity)
    middle = time.monotonic()
    now = done(clinic.billing, "postRemittance", _FEW, remittanceId=came["id"])
    ended = time.monotonic()
    print("IMPORT", middle - began, "POST", ended - middle, len(data), now)
    assert now["postedCount"] == wanted
