"""Any bytes as a delivery report are read or ignored, with nothing raised and nothing in the log."""

from uuid import UUID

from hypothesis import strategies as st

from domain.reminders.delivery_reports import MOST_RECIPIENTS, read_report
from tests.decoders.fuzzing import fuzz, fuzzed, mutants
from tests.mail.reports.texts import SHAPES, plain_report

MESSAGE, ANN = UUID(int=7, version=4), "ann@firm.example"
REPORTS = [plain_report(MESSAGE, ANN), *(write(MESSAGE, ANN) for write, _ in SHAPES.values())]


def check(content: bytes) -> None:
    """Read a report: what it says is bounded, and can be shown."""
    found = read_report(content)
    if found is not None:
        assert len(found.failures) <= MOST_RECIPIENTS + 1
        assert found == read_report(content)
        assert all(failure.reason.isprintable() and len(failure.reason) < 200 for failure in found.failures)


@fuzzed
def test_any_damaged_report_is_read_or_ignored(examples: int) -> None:
    texts = mutants([report.decode() for report in REPORTS], "\n-;:=<>")
    fuzz(examples, texts, lambda text: check(text.encode("utf-8", "surrogatepass")))


@fuzzed
def test_any_bytes_and_any_repetition_in_a_report_are_read_or_ignored(examples: int) -> None:
    report = REPORTS[1]

    def repeated(given: tuple[bytes, int, int]) -> bytes:
        part, place, times = given
        return report[: place % len(report)] + part * times + report[place % len(report) :]

    parts = st.one_of(
        st.binary(min_size=1, max_size=40), st.sampled_from([b'";', b"\n\n", b"--a\n", b"a:b\n", b" ", b"=?utf-8?q?"])
    )
    inserted = st.tuples(parts, st.integers(0, 5_000), st.sampled_from([1, 2, 50, 100_000])).map(repeated)
    fuzz(examples, st.one_of(st.binary(max_size=300), inserted), check)
