"""Sealed payloads are read once, by processes with the key, on their channel, and only while they are new."""

import base64

import pytest

from db.sealed_hints import Hints, Inbox

SECRET, OTHER = b"the secret key of the server", b"the secret key of another server"
CONTENT = {"clinic": "c", "invoice": "i", "columns": ["status", "version"]}


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def hints(time: Time) -> Hints:
    return Hints(SECRET, clock=time)


def test_another_process_with_the_same_key_reads_a_payload_once(hints: Hints, time: Time) -> None:
    payload, inbox = hints.seal("a", CONTENT), Inbox(Hints(SECRET, clock=time))
    assert inbox.read("a", payload) == CONTENT
    assert inbox.read("a", payload) is None
    # The same content, sealed again, is another payload.
    assert inbox.read("a", hints.seal("a", CONTENT)) == CONTENT


def test_a_payload_is_read_on_its_channel_and_with_its_key_alone(hints: Hints, time: Time) -> None:
    payload = hints.seal("a", CONTENT)
    assert Inbox(hints).read("b", payload) is None
    assert Inbox(Hints(OTHER, clock=time)).read("a", payload) is None
    assert Inbox(Hints(clock=time)).read("a", Hints(clock=time).seal("a", CONTENT)) is None


def test_a_payload_that_was_changed_in_any_byte_is_not_read(hints: Hints) -> None:
    sealed = base64.b64decode(hints.seal("a", CONTENT))
    for place in (*range(40), len(sealed) // 2, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[place] ^= 1
        assert Inbox(hints).read("a", base64.b64encode(changed).decode()) is None


@pytest.mark.parametrize("payload", ["", "{", "null", "[]", "A" * 7_999, "é", "====", '{"clinic": 1}', "AAAA" * 12])
def test_what_was_never_sealed_is_not_read(hints: Hints, payload: str) -> None:
    assert Inbox(hints).read("a", payload) is None


def test_old_payloads_are_not_read_and_clocks_may_differ_by_minutes(hints: Hints, time: Time) -> None:
    payload = hints.seal("a", CONTENT)
    for seconds, content in ((299.0, CONTENT), (301.0, None), (-299.0, CONTENT), (-301.0, None)):
        assert Inbox(Hints(SECRET, clock=lambda at=1_000_000.0 + seconds: at)).read("a", payload) == content  # type: ignore[misc]


def test_a_replay_is_told_after_any_number_of_other_payloads(
    hints: Hints, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.sealed_hints._REMEMBERED", 10)
    inbox, first = Inbox(hints), hints.seal("a", CONTENT)
    assert inbox.read("a", first) == CONTENT
    for _ in range(30):
        time.now += 0.01
        assert inbox.read("a", hints.seal("a", CONTENT)) == CONTENT
    assert inbox.read("a", first) is None
    time.now += 400
    assert inbox.read("a", hints.seal("a", CONTENT)) == CONTENT
    assert inbox.read("a", first) is None


def test_while_a_key_is_rolled_payloads_of_the_old_and_the_new_one_are_read(time: Time) -> None:
    before, between, after = Hints(OTHER, clock=time), Hints(SECRET, OTHER, clock=time), Hints(SECRET, clock=time)
    assert Inbox(between).read("a", before.seal("a", CONTENT)) == CONTENT
    assert Inbox(between).read("a", after.seal("a", CONTENT)) == CONTENT
    assert Inbox(after).read("a", between.seal("a", CONTENT)) == CONTENT
    assert Inbox(after).read("a", before.seal("a", CONTENT)) is None


def test_a_payload_shows_neither_its_content_nor_its_length(hints: Hints) -> None:
    lengths = {len(hints.seal("a", {**CONTENT, "columns": ["status"] * many})) for many in range(20)}
    assert len(lengths) == 1
    assert len(hints.seal("a", {**CONTENT, "columns": [f"column_number_{n}" for n in range(100)]})) < 8_000
