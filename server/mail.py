"""Decides how letters leave: by an SMTP server of the operator's, or, while none is set, into a folder in which nothing is sent."""

import asyncio
import os
from contextlib import suppress
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

from domain.reminders import LEASE
from exports.messages import Answer, Letter, MailServer
from server.settings import Settings

# For each answer of the server; and for all of a letter, well before another worker would take it for lost.
_PATIENCE_SECONDS = 15.0
_LONGEST_SECONDS = LEASE.total_seconds() * 2 / 3
_LAST_SECONDS = 2.0
_LOST = (SMTPException, OSError, TimeoutError)
_FOR_GOOD = 500
_LONGEST_REASON = 300


class Outbox:
    """A folder of letters as .eml files, which any mail program opens."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder, self.sender = folder, sender

    async def send(self, letter: Letter) -> Answer:
        """Put a letter down, whole or not at all; the same letter again replaces itself."""
        await asyncio.to_thread(self._put, letter)
        return Answer(frozenset(letter.recipients))

    def _put(self, letter: Letter) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft, kept = (self._folder / f"{letter.id}.{ending}" for ending in ("draft", "eml"))
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(letter.content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(kept)


class SmtpServer:
    """A mail server that speaks SMTP; each letter goes over a connection of its own."""

    def __init__(self, sender: str, security: str, **connection: Any) -> None:
        """`security` is tls from the beginning, starttls, or none; `connection` is what aiosmtplib is told of the server."""
        self.sender = sender
        self._options = {
            **connection,
            "use_tls": security == "tls",
            "start_tls": security == "starttls",
            "timeout": _PATIENCE_SECONDS,
            # Looking up the own name may take long.
            "local_hostname": sender.partition("@")[2],
        }

    async def send(self, letter: Letter) -> Answer:
        """Hand a letter over; what the server has not said within half a minute is asked again later."""
        smtp = SMTP(**self._options)
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                try:
                    await smtp.connect()
                except _LOST as failure:
                    return Answer(delayed=_each(letter, _reason(failure)), is_unreachable=True)
                return await self._hand_over(smtp, letter)
        except _LOST as failure:
            # Nobody knows what became of it: it may come twice, which is better than never.
            return Answer(delayed=_each(letter, _reason(failure)))
        finally:
            with suppress(*_LOST):
                await smtp.quit(timeout=_LAST_SECONDS)
            smtp.close()

    async def _hand_over(self, smtp: SMTP, letter: Letter) -> Answer:
        try:
            failed, _ = await smtp.sendmail(self.sender, letter.recipients, letter.content)
            refusals = {who: (said.code, said.message) for who, said in failed.items()}
        except SMTPRecipientsRefused as refused:
            refusals = {one.recipient: (one.code, one.message) for one in refused.recipients}
        except SMTPSenderRefused as refused:
            # It is we who are not wanted, whoever is written to.
            return Answer(delayed=_each(letter, _reason(refused)))
        except SMTPResponseException as refused:
            refusals = dict.fromkeys(letter.recipients, (refused.code, refused.message))
        except ValueError:
            return Answer(refused=_each(letter, "This address cannot be written to"))
        words = {who: (code, _said(code, message)) for who, (code, message) in refusals.items()}
        return Answer(
            frozenset(letter.recipients) - words.keys(),
            {who: said for who, (code, said) in words.items() if code >= _FOR_GOOD},
            {who: said for who, (code, said) in words.items() if code < _FOR_GOOD},
        )


def _each(letter: Letter, why: str) -> dict[str, str]:
    return dict.fromkeys(letter.recipients, why)


def _said(code: int, message: str) -> str:
    return f"{code} {' '.join(message.split())}"[:_LONGEST_REASON]


def _reason(failure: BaseException) -> str:
    if isinstance(failure, SMTPResponseException):
        return _said(failure.code, failure.message)
    if isinstance(failure, (SMTPTimeoutError, TimeoutError)):
        return "The mail server did not answer in time"
    if isinstance(failure, (SMTPConnectError, OSError)):
        return "The mail server cannot be reached"
    return "The connection to the mail server was lost"


def open_mail(settings: Settings) -> MailServer:
    """What takes letters, as the settings say."""
    if not settings.smtp_host:
        return Outbox(settings.home / "outbox", settings.mail_from)
    return SmtpServer(
        settings.mail_from,
        settings.smtp_security,
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_user or None,
        password=settings.smtp_password or None,
    )
