"""Files of any size are read or refused within bounded time and memory, by a process that may crash without harm."""

import logging
import resource
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import pytest

from domain.remittances.remittance import RemittedClaim, RemittedPayment, broken_laws
from imports.sandbox import program
from imports.sheets import SheetError
from imports.x12 import quota
from imports.x12.child import SANDBOX, read_remittances
from imports.x12.segments import MOST_SEGMENTS
from tests.support.x12.random_payments import random_payment, seeded
from tests.support.x12.writer import written

MILLION = 1_000_000
FILE = written(random_payment(seeded(3)))
CLAIM, LINE = FILE.index(b"CLP*"), FILE.index(b"DTM*472")


def many_claims(count: int) -> RemittedPayment:
    """A payment of so many claims, each as large as one of a file that payers send."""
    random = seeded(count)
    one = random_payment(random, most_claims=0)
    kinds = [claim for seed in range(40) for claim in random_payment(seeded(seed)).claims if len(claim.lines) <= 4]
    claims = [_claim(random.choice(kinds), place) for place in range(1, count + 1)]
    total = sum((claim.paid for claim in claims), Decimal(0))
    if total < 0:
        claims[0] = replace(claims[0], paid=claims[0].paid - total, charge=claims[0].charge - total)
        total = Decimal(0)
    return replace(one, claims=tuple(claims), provider_adjustments=(), amount=total)


def _claim(kind: RemittedClaim, place: int) -> RemittedClaim:
    return replace(kind, place=place, number=f"INV-{place}")


def test_ten_thousand_claims_are_read_in_a_few_seconds() -> None:
    payment = many_claims(10_000)
    data = written(payment)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = read_remittances(data)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (found.payments, found.problems) == ((payment,), ())
    assert broken_laws(payment) == []
    # Of processor time: other work shares the cores.
    assert after.ru_utime - before.ru_utime < 10


def test_one_claim_too_many_is_said_and_the_payments_before_are_read() -> None:
    small = replace(random_payment(seeded(3)), place=1)
    large = replace(many_claims(quota.MOST_CLAIMS), place=2)
    bare = tuple(RemittedClaim(claim.place, claim.number, "1", Decimal(1), Decimal(1)) for claim in large.claims)
    large = replace(large, claims=bare, amount=Decimal(len(bare)))
    alone = read_remittances(written(replace(large, place=1)))
    assert (len(alone.payments[0].claims), alone.problems) == (quota.MOST_CLAIMS, ())
    found = read_remittances(written(small, large))
    assert found.payments == (small,)
    [problem] = found.problems
    assert problem.reason == "A file has at most 20,000 claims: ask the payer for several files; the rest is not read"
    assert problem.payment is None


@pytest.mark.parametrize(
    ("beginning", "filling", "reason"),
    [
        (CLAIM, b"ZZZ*1~", f"A file has at most {MOST_SEGMENTS:,} segments"),
        (CLAIM, b"CLP*1*1*1*1~", f"A file has at most {quota.MOST_CLAIMS:,} claims"),
        (LINE, b"CAS*CO*1*1~", f"A file has at most {quota.MOST_ADJUSTMENTS:,} adjustments"),
        (LINE, b"A", "A segment has at most 10,000 characters"),
        (0, b"\r\n", "This is not an X12 file"),
        (0, b"ISA" * 1_000, "An ISA with 16 elements is expected"),
        pytest.param(CLAIM, b"~", "A file has at most 1,000,000 segments", marks=pytest.mark.prove),
        pytest.param(LINE, b"LQ*HE*N1~", "A file has at most", marks=pytest.mark.prove),
        pytest.param(LINE, b"SVC*HC:A*1*1~", "A file has at most", marks=pytest.mark.prove),
        pytest.param(LINE, b"*1", "A segment has at most 10,000 characters", marks=pytest.mark.prove),
        pytest.param(LINE, b"\0", "A segment has at most 10,000 characters", marks=pytest.mark.prove),
        pytest.param(LINE, b" ", "SE is missing", marks=pytest.mark.prove),
        pytest.param(CLAIM, b"GE*1*1~", "SE is missing", marks=pytest.mark.prove),
        pytest.param(CLAIM, b"ST*835~", "SE is missing", marks=pytest.mark.prove),
        pytest.param(CLAIM, FILE[:106], "SE is missing", marks=pytest.mark.prove),
        pytest.param(CLAIM, b"PLB*1*2*" + b"*".join([b"WO:1*1"] * 6) + b"~", "A file has", marks=pytest.mark.prove),
        pytest.param(0, FILE, "A file has at most 5,000 transaction sets", marks=pytest.mark.prove),
    ],
)
def test_a_hundred_megabytes_end_in_time(
    beginning: int, filling: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    data = FILE[:beginning] + filling * (100 * MILLION // len(filling))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = read_remittances(data)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 20
    assert any(problem.reason.startswith(reason) for problem in found.problems), found.problems[:3]
    assert caplog.records == []


def test_the_memory_of_the_reader_is_bounded() -> None:
    """The child has 256 MiB of address space, which the largest file that it reads does not use up."""
    assert program.MOST_MEMORY == 256 * 1024**2
    lines, adjustments = quota.MOST_LINES // quota.MOST_CLAIMS, quota.MOST_ADJUSTMENTS // quota.MOST_CLAIMS
    line = b"SVC*HC:X1001:25*%d*%d**1~DTM*472*20260101~REF*6R*1234567890~" % (10, 10)
    claim = b"CLP*INV-2026-123456*1*1000*1000**AM*PAYER-NUMBER-123456~" + b"CAS*CO*45*1*1~" * adjustments + line * lines
    data = FILE[:CLAIM] + claim * quota.MOST_CLAIMS
    end = b"SE*%d*0001~GE*1*1~IEA*1*000000001~" % (data.count(b"~") - 1)
    found = read_remittances(data + end)
    assert found.problems == ()
    [payment] = found.payments
    assert len(payment.claims) == quota.MOST_CLAIMS
    assert sum(len(claim.lines) for claim in payment.claims) == quota.MOST_LINES


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import time; time.sleep(60)", "The file takes too long to read"),
        ("import os; os.abort()", "The file cannot be read"),
        ("raise SystemExit(1)", "The file cannot be read"),
    ],
)
def test_a_reader_that_hangs_or_crashes_makes_the_file_unreadable(code: str, reason: str) -> None:
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        with pytest.raises(SheetError) as refused:
            list(SANDBOX.received(process, 2))
        process.kill()
    assert str(refused.value) == f"{reason}: ask the payer for it again, or for several files"


def test_the_child_imports_no_module_of_the_server() -> None:
    code = "import sys, imports.x12.reading; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, env={})
    modules = set(found.stdout.split())
    assert "imports.x12.transaction_set" in modules
    assert not modules & {"asyncpg", "sqlalchemy", "strawberry", "asyncio", "db", "server", "resolvers", "openpyxl"}
