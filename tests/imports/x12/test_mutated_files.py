"""Whatever happened to a file on its way, the reader ends, raises nothing, and gives no payment whose amounts the file does not have."""

import logging
import time
from collections import Counter
from fractions import Fraction

import pytest

from domain.remittances.remittance import broken_laws
from imports.x12.child import read_in_process, read_remittances
from imports.x12.remittance_file import MOST_PROBLEMS, RemittanceFile
from tests.support.x12.mutators import MUTATORS, mutated
from tests.support.x12.random_payments import random_payments, seeded
from tests.support.x12.recount import is_balanced
from tests.support.x12.writer import written

LONGEST_SECONDS = 2.0


def mutant(seed: int) -> tuple[str, bytes]:
    """A changed file of one to three payments, and the names of the changes."""
    random = seeded(seed)
    return mutated(random, written(*random_payments(random, random.randint(1, 3))))


def check(seed: int, data: bytes, found: RemittanceFile) -> Counter[str]:
    """What was read of a file; each payment that breaks no law must balance in the raw text, too."""
    counts = Counter[str]()
    for payment in found.payments:
        balances = not broken_laws(payment)
        counts["balanced" if balances else "out of balance"] += 1
        if balances:
            assert is_balanced(data, payment.place, Fraction(payment.amount)), seed
        texts = [payment.trace, *(claim.number for claim in payment.claims)]
        assert all(text.isprintable() and text for text in texts), seed
    told = {problem.payment for problem in found.problems}
    assert not told & {payment.place for payment in found.payments}, seed
    assert found.problem_count >= len(found.problems) <= MOST_PROBLEMS
    assert (found.problem_count > 0) or found.payments, seed
    counts["refused"] += found.problem_count > 0
    return counts


@pytest.mark.parametrize("count", [300, pytest.param(2_000, marks=pytest.mark.prove)])
def test_mutated_files_are_read_or_refused(count: int) -> None:
    counts, changes = Counter[str](), Counter[str]()
    for seed in range(count):
        name, data = mutant(seed)
        began = time.process_time()
        found = read_in_process(data)
        assert time.process_time() - began < LONGEST_SECONDS, (seed, name)
        counts += check(seed, data, found)
        changes.update(name.split(", "))
    # The changes are of every kind, and neither harmless nor fatal alone.
    assert set(changes) == {change.__name__ for change in MUTATORS}
    assert min(counts["balanced"], counts["refused"]) > count // 4
    assert counts["out of balance"] > count // 50


@pytest.mark.parametrize("count", [12, pytest.param(300, marks=pytest.mark.prove)])
def test_a_child_process_reads_the_same_of_mutated_files(count: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for seed in range(10_000, 10_000 + count):
        name, data = mutant(seed)
        assert read_remittances(data) == read_in_process(data), (seed, name)
    # A reader that failed would say so here.
    assert caplog.records == []


def test_the_recount_notices_an_amount_that_the_file_does_not_have() -> None:
    [payment] = payments = random_payments(seeded(3), 1)
    data = written(*payments)
    assert payment.claims
    assert is_balanced(data, 1, Fraction(payment.amount))
    assert not is_balanced(data, 1, Fraction(payment.amount) + Fraction(1, 100))
    beginning, claim, rest = data.partition(b"~CLP*")
    number, status, charge, others = rest.split(b"*", 3)
    changed = beginning + claim + b"*".join([number, status, charge + b"1", others])
    assert not is_balanced(changed, 1, Fraction(payment.amount))
