"""A mailbox of delivery reports is read over a verified connection, only what is new, in bounded runs, and is not changed."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from uuid import UUID, uuid4

import pytest

import storage.report_mailbox
from storage.report_mailbox import Position, Reading, ReportMailbox, ReportMailboxError
from tests.mail.reports.imap_server import ImapServer, imap_server
from tests.mail.reports.texts import plain_report
from tests.mail.smtp_server import HOST, PASSWORD, USER, Certificate, certificate

LETTER = b"From: ann@firm.example\r\nSubject: Hello\r\nContent-Type: text/plain\r\n\r\nPlease call me.\r\n"
ANN = "ann@firm.example"


def read(mailbox: ReportMailbox, position: Position | None = None) -> Reading:
    """Read a mailbox after a position."""
    return asyncio.run(mailbox.read(position))


def words_of(mailbox: ReportMailbox) -> str:
    """Why a mailbox cannot be read."""
    with pytest.raises(ReportMailboxError) as refused:
        read(mailbox)
    return str(refused.value)


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with imap_server() as found:
        yield found


def test_reports_are_found_among_other_mail_and_nothing_is_changed(server: ImapServer) -> None:
    first, second = uuid4(), uuid4()
    broken = b"Content-Type: multipart/report; boundary=a\r\n\r\n--a\r\n"
    server.put(LETTER, plain_report(first, ANN), broken, LETTER, plain_report(second, ANN))
    found = read(server.mailbox())
    assert ([report.message_id for report in found.reports], found.unreadable) == ([first, second], 1)
    assert server.flags() == [frozenset()] * 5
    assert read(server.mailbox(), found.position) == Reading(found.position, [], 0)
    third = uuid4()
    server.put(plain_report(third, ANN))
    assert [report.message_id for report in read(server.mailbox(), found.position).reports] == [third]


def test_a_run_is_bounded_and_the_next_one_continues(server: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.report_mailbox, "_MOST_REPORTS", 3)
    monkeypatch.setattr(storage.report_mailbox, "_WINDOW", 105)
    ids = [uuid4() for _ in range(7)]
    server.put(*(plain_report(identity, ANN) for identity in ids))
    position: Position | None = None
    found: list[list[UUID]] = []
    for _ in range(3):
        reading = read(server.mailbox(), position)
        position = reading.position
        found.append([report.message_id for report in reading.reports])
    assert found == [ids[:3], ids[3:6], ids[6:]]


def test_a_mailbox_that_is_new_or_was_numbered_anew_is_read_from_its_last_messages(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.report_mailbox, "_LOOKS_BACK", 2)
    ids = [uuid4() for _ in range(3)]
    server.put(*(plain_report(identity, ANN) for identity in ids))
    found = read(server.mailbox())
    assert [report.message_id for report in found.reports] == ids[1:]
    server.renumber()
    other = uuid4()
    server.put(plain_report(other, ANN))
    again = read(server.mailbox(), found.position)
    assert again.position.uid_validity != found.position.uid_validity
    assert [report.message_id for report in again.reports] == [other]


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """A certificate that this machine trusts."""
    made = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))
    return made


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_the_certificate_is_verified(
    security: str, trusted: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with imap_server(trusted, encrypted=security == "tls") as server:
        server.put(plain_report(uuid4(), ANN))
        assert len(read(server.mailbox(security=security)).reports) == 1
        (tmp_path / "other").mkdir()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path / "other").path))
        assert words_of(server.mailbox(security=security)) == "SSLCertVerificationError"


def test_what_is_wrong_is_said_without_what_the_server_says(server: ImapServer) -> None:
    assert words_of(server.mailbox(password=PASSWORD.upper())) == "it refuses the user or the password"
    assert words_of(server.mailbox(folder="None")) == "it has no such folder"
    assert words_of(server.mailbox(security="starttls")) == "it does not answer as it should"
    closed = server.mailbox()
    assert PASSWORD not in repr(closed)
    assert words_of(ReportMailbox(HOST, 9, "none", USER, PASSWORD)) == "ConnectionRefusedError"


@pytest.mark.parametrize(
    ("answers", "seconds"),
    [
        # A greeting that never ends, one that is no IMAP, and answers without an end or of any size.
        ([b"* OK"], 2.0),
        ([b"220 smtp.example ESMTP\r\n"], 1.0),
        ([b"* OK\r\n", b"* 1 EXISTS\r\n" * 100_000], 2.0),
        ([b"* OK\r\n", b"* LIST {999999999}\r\n"], 1.0),
        ([b"* OK\r\n", b"\xff\x00" * 1_000_000], 1.0),
    ],
)
def test_a_server_that_is_none_takes_neither_long_nor_much(
    answers: list[bytes], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.report_mailbox, "_PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(storage.report_mailbox, "_LONGEST_SECONDS", 0.8)
    monkeypatch.setattr(storage.report_mailbox._Bounded, "_left", 1_000_000)
    with socket.create_server((HOST, 0)) as listening:
        thread = Thread(target=_answer, args=(listening, answers), daemon=True)
        thread.start()
        began = time.monotonic()
        assert words_of(ReportMailbox(HOST, listening.getsockname()[1], "none", USER, PASSWORD))
        assert time.monotonic() - began < seconds + 2
        thread.join(5)


def _answer(listening: socket.socket, answers: list[bytes]) -> None:
    """Send each answer after something was received, and then nothing, until the client goes."""
    connection, _ = listening.accept()
    with connection:
        try:
            for answer in answers:
                connection.sendall(answer)
                if not connection.recv(1000):
                    return
            while connection.recv(1000):
                pass
        except OSError:
            return
