"""Mail delivery by the operator's SMTP server or, while none is configured, into an outbox folder from which nothing is sent."""

import asyncio
import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiosmtplib import (
    SMTP,
    SMTPConnectError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPTimeoutError,
)

from domain.reminders.reminders import LEASE
from observability.outages import MAIL_SERVER, SEEN
from storage.letters import DeliveryResult, EmailMessage, MailServer

# Timeouts: for each reply of the server, and for a whole message, well before its lease ends and another worker retries it.
_PATIENCE_SECONDS = 15.0
_LONGEST_SECONDS = LEASE.total_seconds() * 2 / 3
_LAST_SECONDS = 2.0
_LOST = (SMTPException, OSError, TimeoutError)
_FOR_GOOD = 500
_LONGEST_REASON = 300


class Outbox:
    """An outbox folder of messages as .eml files, which any mail program opens."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder, self.sender = folder, sender

    async def send(self, letter: EmailMessage) -> DeliveryResult:
        """Write a message atomically; the same message again replaces itself."""
        await asyncio.to_thread(self._put, letter)
        return DeliveryResult(frozenset(letter.recipients))

    def _put(self, letter: EmailMessage) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft, kept = (self._folder / f"{letter.id}.{ending}" for ending in ("draft", "eml"))
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(letter.content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(kept)


# Domains that belong to nobody (RFC 2606, RFC 6761).
_RESERVED = re.compile(r"(?:.*[.@])(?:example|test|invalid|localhost|example\.(?:com|net|org))", re.IGNORECASE)
_DEMO = "This server runs a demo, and sends nothing to real addresses"


class DemoMail:
    """A mail server that gets only messages to domains that are reserved for examples: those to others wait for another worker."""

    def __init__(self, server: MailServer) -> None:
        self._server, self.sender = server, server.sender

    async def send(self, letter: EmailMessage) -> DeliveryResult:
        """Send a message to those of its recipients who are examples."""
        real = {who: _DEMO for who in letter.recipients if not _RESERVED.fullmatch(who)}
        invented = tuple(who for who in letter.recipients if who not in real)
        sent = await self._server.send(replace(letter, recipients=invented)) if invented else DeliveryResult()
        return replace(sent, delayed={**sent.delayed, **real})


class SmtpServer:
    """An SMTP server; each message is sent over a connection of its own."""

    def __init__(self, sender: str, security: str, **connection: Any) -> None:
        """`security` is tls (implicit TLS), starttls or none; `connection` holds the options of aiosmtplib for the server."""
        self.sender = sender
        # Where mail servers send their delivery reports (envelope sender); empty: to the sender of each message.
        self.reports_to = ""
        self._options = {
            **connection,
            "use_tls": security == "tls",
            "start_tls": security == "starttls",
            "timeout": _PATIENCE_SECONDS,
            # Without it, aiosmtplib looks up the name of this host, which may take long.
            "local_hostname": sender.partition("@")[2],
        }

    async def send(self, letter: EmailMessage) -> DeliveryResult:
        """Send a message; recipients that the server has not answered for before the timeout are delayed and retried later."""
        smtp = SMTP(**self._options)
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                try:
                    await smtp.connect()
                    SEEN.ended(MAIL_SERVER)
                except _LOST as failure:
                    SEEN.began(MAIL_SERVER, failure)
                    return DeliveryResult(delayed=_each(letter, _reason(failure)), is_unreachable=True)
                return await self._hand_over(smtp, letter)
        except _LOST as failure:
            # Whether the message was delivered is unknown: at-least-once delivery may send it twice, which is better than never.
            return DeliveryResult(delayed=_each(letter, _reason(failure)))
        finally:
            with suppress(*_LOST):
                await smtp.quit(timeout=_LAST_SECONDS)
            smtp.close()

    async def _hand_over(self, smtp: SMTP, letter: EmailMessage) -> DeliveryResult:
        try:
            failed, _ = await smtp.sendmail(
                self.reports_to or letter.sender or self.sender, letter.recipients, letter.content
            )
            refusals = {who: (reply.code, reply.message) for who, reply in failed.items()}
        except SMTPRecipientsRefused as refused:
            refusals = {one.recipient: (one.code, one.message) for one in refused.recipients}
        except SMTPSenderRefused as refused:
            # The server refuses the sender, so the recipients are not at fault.
            return DeliveryResult(delayed=_each(letter, _reason(refused)))
        except SMTPResponseException as refused:
            refusals = dict.fromkeys(letter.recipients, (refused.code, refused.message))
        except ValueError:
            return DeliveryResult(refused=_each(letter, "This e-mail address is not valid"))
        words = {who: (code, _reply(code, message)) for who, (code, message) in refusals.items()}
        return DeliveryResult(
            frozenset(letter.recipients) - words.keys(),
            {who: reply for who, (code, reply) in words.items() if code >= _FOR_GOOD},
            {who: reply for who, (code, reply) in words.items() if code < _FOR_GOOD},
        )


def _each(letter: EmailMessage, why: str) -> dict[str, str]:
    return dict.fromkeys(letter.recipients, why)


def _reply(code: int, message: str) -> str:
    return f"{code} {' '.join(message.split())}"[:_LONGEST_REASON]


def _reason(failure: BaseException) -> str:
    if isinstance(failure, SMTPResponseException):
        return _reply(failure.code, failure.message)
    if isinstance(failure, (SMTPTimeoutError, TimeoutError)):
        return "The mail server did not answer in time"
    if isinstance(failure, (SMTPConnectError, OSError)):
        return "The mail server cannot be reached"
    return "The connection to the mail server was lost"
