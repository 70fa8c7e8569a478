"""The limits of every decoder in one place, inputs that resemble valid ones, and a watch for what must never happen."""

import logging
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

T = TypeVar("T")

# One input, valid or not, takes at most this much processor time of the server, and of the client, which is in the same process.
LONGEST_SECONDS = 2.0
# All inputs of a test together add at most so much to the largest memory of the process.
MOST_MEMORY_BYTES = 192 * 1024 * 1024
# Inputs of a test among all tests, and in `make prove`.
FEW, MANY = 40, 1_000

fuzzed = pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.prove)])
# What a request that cannot be answered is told.
CODES = {
    *("BAD_USER_INPUT", "BAD_REQUEST", "OVER_BUDGET", "UNAUTHENTICATED", "FORBIDDEN", "GONE"),
    *("DOCUMENT_NOT_LISTED", "RATE_LIMITED", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"),
}


class Watch(logging.Handler):
    """Collects what the server logs as an error; each decoder answers the client instead."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an error, with its stack trace."""
        trace = f"\n{logging.Formatter().formatException(record.exc_info)}" if record.exc_info else ""
        self.messages.append(f"{record.name}: {record.getMessage()}{trace}")


@contextmanager
def _bounded(given_input: object, watch: Watch) -> Iterator[None]:
    began, before = time.process_time(), _largest_memory()
    yield
    used, grown = time.process_time() - began, _largest_memory() - before
    assert watch.messages == [], (given_input, watch.messages)
    assert used < LONGEST_SECONDS, (given_input, f"{used:.1f} seconds of processor time")
    # What Hypothesis itself needs between the inputs does not count.
    assert grown < MOST_MEMORY_BYTES, (given_input, f"{grown:,} bytes of memory")


def fuzz(examples: int, inputs: st.SearchStrategy[T], check: Callable[[T], None]) -> None:
    """Check a number of inputs: each within its time and memory, and none may cause an error in the log.

    The few inputs of `make test` are the same in every run; those of `make prove` are new ones.
    """
    watch = Watch()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples <= FEW,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(given_input=inputs)
    def each(given_input: T) -> None:
        watch.messages.clear()
        with _bounded(given_input, watch):
            check(given_input)

    logging.getLogger().addHandler(watch)
    try:
        each()
    finally:
        logging.getLogger().removeHandler(watch)


def _largest_memory() -> int:
    """The largest memory that this process has had, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def answered(response: httpx.Response, *statuses: int) -> Any:
    """The JSON of an answer that is documented: one of these statuses, errors with a message and a known code, never INTERNAL_ERROR."""
    assert response.status_code in statuses, (response.status_code, response.text[:500])
    answer = response.json()
    for error in answer.get("errors", ()):
        assert isinstance(error["message"], str), error
        assert error.get("extensions", {}).get("code") in CODES, error
    return answer


# Any character but lone surrogates, which no client can send as UTF-8; those are tried as escapes in JSON.
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.text("\0\t\r\n |.,;:?&=%+-_/\\'\"(){}[]<>#$@!~^*0aAZ9éß\u202e\ufeff\u2028", max_size=40),
    st.sampled_from(["null", "true", "-1", "0", "1e500000", "NaN", "Infinity", "9" * 5_000, "../..", "A" * 20_000]),
)


@st.composite
def mutants(draw: st.DrawFn, originals: Sequence[str], separators: str = "|.-_?&=/") -> str:
    """A valid text with one to three changes: characters, a part left out, doubled, moved, or taken from another valid text."""
    text = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 3))):
        first, last = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        other = draw(st.sampled_from(originals))
        kind = draw(st.integers(0, 6))
        if kind == 0:
            text = text[:first]
        elif kind == 1:
            text = text[:first] + text[last:]
        elif kind == 2:
            text = text[:last] + text[first:]
        elif kind == 3:
            text = text[:first] + draw(TEXTS) + text[last:]
        elif kind == 4:
            text = text[:first] + other[first:]
        elif kind == 5 and text:
            place = min(first, len(text) - 1)
            bit = 1 << draw(st.integers(0, 6))
            text = text[:place] + chr(max(1, ord(text[place]) ^ bit) % 0xD800) + text[place + 1 :]
        else:
            separator = draw(st.sampled_from(separators))
            parts = text.split(separator)
            text = separator.join(draw(st.permutations(parts)) if len(parts) < 8 else parts[::-1])
    return text


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
