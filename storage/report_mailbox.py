"""The mailbox to which mail servers send delivery reports, read by IMAP: only what is new, with limits, and without changing anything."""

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from imaplib import IMAP4, IMAP4_SSL
from threading import Timer
from typing import Any

from domain.reminders.delivery_reports import MOST_BYTES, DeliveryReport, read_report

# Timeouts: for each answer of the server, and for a whole run, whose rest the next run reads.
_PATIENCE_SECONDS = 10.0
_LONGEST_SECONDS = 25.0
# Of one run: how many reports and other messages it looks at, and how many bytes it takes from the server.
_MOST_REPORTS, _MOST_MESSAGES, _MOST_BYTES = 100, 1_000, 64 * 1024 * 1024
_WINDOW, _MOST_WINDOWS = 500, 20
# In a mailbox that was not read before, or that the server has numbered anew, the last so many messages are looked at.
_LOOKS_BACK = 2_000
_STRANGE = "it does not answer as it should"
_UID = re.compile(rb"\bUID (\d{1,10})")
_IS_REPORT = re.compile(rb"^content-type:\s*multipart/report\b", re.IGNORECASE)
_HEAD = "(UID BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE)])"
_CONTENT = f"(UID BODY.PEEK[]<0.{MOST_BYTES}>)"


class ReportMailboxError(Exception):
    """The mailbox cannot be read; the text says why, without what the server said."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a mailbox was read: its numbering, and the number (UID) of the last message that was looked at."""

    uid_validity: int
    last_uid: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What a run has read: the new position, the reports, and how many of them were no reports about a message."""

    position: Position
    reports: list[DeliveryReport]
    unreadable: int


class _Bounded:
    """Limits how much a connection takes from the server."""

    _left = _MOST_BYTES

    def read(self, size: int) -> bytes:
        """Read a literal, unless it is more than is left of the limit."""
        self._take(size)
        return super().read(size)  # type: ignore[misc,no-any-return]

    def readline(self) -> bytes:
        """Read a line."""
        line: bytes = super().readline()  # type: ignore[misc]
        self._take(len(line))
        return line

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise IMAP4.abort("too much")


class _Plain(_Bounded, IMAP4):
    """A connection that begins without TLS."""


class _Encrypted(_Bounded, IMAP4_SSL):
    """A connection by TLS."""


@dataclass(frozen=True, slots=True)
class ReportMailbox:
    """A mailbox for delivery reports; `security` is tls (implicit TLS), starttls or none."""

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"

    @property
    def name(self) -> str:
        """The name by which its position is kept."""
        return f"{self.user} {self.host}:{self.port} {self.folder}"

    async def read(self, position: Position | None) -> Reading:
        """Read the reports after a position; ReportMailboxError where the mailbox cannot be read."""
        return await asyncio.to_thread(self._read, position)

    def _read(self, position: Position | None) -> Reading:
        with self._opened() as connection:
            validity, last = self._enter(connection)
            if position is None or position.uid_validity != validity:
                position = Position(validity, max(0, last - _LOOKS_BACK))
            return _read_after(connection, position, last)

    @contextmanager
    def _opened(self) -> Iterator[IMAP4]:
        """A connection that is signed in, and is cut when it takes too long."""
        try:
            connection = self._connect()
        except OSError as error:
            raise ReportMailboxError(type(error).__name__) from None
        except IMAP4.error:
            raise ReportMailboxError(_STRANGE) from None
        # Another thread may not close what this one reads from; without its socket, reading ends.
        cut = Timer(_LONGEST_SECONDS, socket.socket.shutdown, (connection.sock, socket.SHUT_RDWR))
        cut.daemon = True
        cut.start()
        try:
            self._sign_in(connection)
            yield connection
        except (OSError, IMAP4.error, ValueError):
            raise ReportMailboxError(_STRANGE if cut.is_alive() else "too slow") from None
        finally:
            cut.cancel()
            with suppress(OSError, IMAP4.error, ValueError):
                connection.logout()
            with suppress(OSError, ValueError):
                connection.shutdown()

    def _connect(self) -> IMAP4:
        context = ssl.create_default_context()
        if self.security == "tls":
            return _Encrypted(self.host, self.port, ssl_context=context, timeout=_PATIENCE_SECONDS)
        connection = _Plain(self.host, self.port, timeout=_PATIENCE_SECONDS)
        if self.security == "starttls":
            try:
                connection.starttls(context)
            except (OSError, IMAP4.error):
                with suppress(OSError):
                    connection.shutdown()
                raise
        return connection

    def _sign_in(self, connection: IMAP4) -> None:
        try:
            connection.login(_quoted(self.user), self.password)
        except IMAP4.abort:
            raise
        except IMAP4.error:
            raise ReportMailboxError("it refuses the user or the password") from None

    def _enter(self, connection: IMAP4) -> tuple[int, int]:
        """Open the folder, for reading only: the validity of its numbers, and the number of its last message."""
        answer, _ = connection.select(_quoted(self.folder), readonly=True)
        if answer != "OK":
            raise ReportMailboxError("it has no such folder")
        return _number(connection, "UIDVALIDITY"), _number(connection, "UIDNEXT") - 1


def _read_after(connection: IMAP4, position: Position, last: int) -> Reading:
    """Read the reports from a position up to the last message, or to the limit of one run."""
    done, reports, looked_at, unreadable = position.last_uid, list[DeliveryReport](), 0, 0
    for _ in range(_MOST_WINDOWS):
        if done >= last or looked_at >= _MOST_MESSAGES or len(reports) + unreadable >= _MOST_REPORTS:
            break
        end = min(done + _WINDOW, last)
        heads = sorted(_fetched(connection, f"{done + 1}:{end}", _HEAD))
        looked_at += len(heads)
        for uid, head in heads:
            if len(reports) + unreadable >= _MOST_REPORTS:
                end = uid - 1
                break
            if _IS_REPORT.match(head):
                report = _report(connection, uid)
                reports += [report] if report else []
                unreadable += report is None
        done = end
    return Reading(Position(position.uid_validity, done), reports, unreadable)


def _report(connection: IMAP4, uid: int) -> DeliveryReport | None:
    content = dict(_fetched(connection, str(uid), _CONTENT)).get(uid, b"")
    return read_report(content)


def _fetched(connection: IMAP4, uids: str, what: str) -> Iterator[tuple[int, bytes]]:
    """What the server answers about messages: the number of each, and the one part that was asked for."""
    answer, items = connection.uid("FETCH", uids, what)
    if answer != "OK":
        raise IMAP4.abort("no messages")
    about, content = b"", b""
    # A part is a pair: what stands before it, and itself; what stands after it follows.
    for item in [*items, (b"", b"")]:
        if not isinstance(item, tuple):
            about += item or b""
            continue
        if content and (uid := _UID.search(about)):
            yield int(uid[1]), content
        about, content = item[0], item[1]


def _number(connection: IMAP4, name: str) -> int:
    _, values = connection.response(name)
    found: Any = values[-1] if values else None
    return int(found or b"")


def _quoted(text: str) -> str:
    """A text as a quoted string of IMAP."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
