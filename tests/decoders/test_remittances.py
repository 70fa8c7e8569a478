"""Any bytes as a remittance are read or refused, with nothing raised and nothing in the log."""

from hypothesis import strategies as st

from domain.remittances.remittance import broken_laws
from imports.x12.child import read_in_process
from tests.decoders.fuzzing import fuzz, fuzzed, mutants
from tests.support.x12.mutators import mutated
from tests.support.x12.random_payments import random_payments, seeded
from tests.support.x12.writer import written

FILES = [written(*random_payments(seeded(seed), 2)) for seed in range(5)]


def check(data: bytes) -> None:
    """Read a file: it has payments or problems, and no payment of a set with a problem."""
    found = read_in_process(data)
    assert found.payments or found.problems
    assert not {payment.place for payment in found.payments} & {problem.payment for problem in found.problems}
    for payment in found.payments:
        broken_laws(payment)
    assert all(problem.reason.isprintable() and problem.segment >= 1 for problem in found.problems)


@fuzzed
def test_any_text_as_a_remittance_is_read_or_refused(examples: int) -> None:
    texts = mutants([data.decode() for data in FILES], "*~:\n")
    fuzz(examples * 4, texts, lambda text: check(text.encode("utf-8", "surrogatepass")))


@fuzzed
def test_any_damaged_remittance_is_read_or_refused(examples: int) -> None:
    damaged = st.tuples(st.integers(0, 2**32), st.sampled_from(FILES))
    fuzz(examples * 4, damaged, lambda given: check(mutated(seeded(given[0]), given[1])[1]))


@fuzzed
def test_any_bytes_as_a_remittance_are_read_or_refused(examples: int) -> None:
    fuzz(examples * 4, st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(FILES[0][:106].__add__)), check)
