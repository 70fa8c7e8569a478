"""Decides what a message to a payer looks like as an e-mail: its headers, a plain text and the same as HTML."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Protocol
from uuid import UUID

from exports.templates import Words

# A mail server need not know how to pass on eight bits.
_POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail as it goes over the wire, and to whom of those that its headers name it still has to go."""

    id: UUID
    recipients: tuple[str, ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a letter: who it was taken for, who it will never be taken for, and who it was not taken for now, with why."""

    accepted: frozenset[str] = frozenset()
    refused: dict[str, str] = field(default_factory=dict)
    delayed: dict[str, str] = field(default_factory=dict)
    # Nothing could be sent to anybody: whoever has more to send may wait, too.
    is_unreachable: bool = False


class MailServer(Protocol):
    """What takes letters."""

    sender: str

    async def send(self, letter: Letter) -> Answer:
        """Hand a letter over; whatever goes wrong is said by the answer."""
        ...


def compose(
    words: Words, identity: UUID, sender: str, clinic: str, addresses: Sequence[str], moment: datetime
) -> bytes:
    """The bytes of an e-mail to the first of the addresses, with a copy to the second where there is one.

    Its Message-ID is that of the message, however often it is tried, so that a mail server that gets it twice may know it
    again, and a report about it can be assigned. ValueError for an address that no header can hold.
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = _address(sender, clinic)
    for header, address in zip(("To", "Cc"), addresses, strict=False):
        message[header] = _address(address)
    message["Subject"] = words.subject
    message["Date"] = moment
    message["Message-ID"] = f"<{identity}@{sender.partition('@')[2]}>"
    # Nobody's absence note is wanted as an answer.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(words.body)
    message.add_alternative(_html(words), subtype="html")
    return message.as_bytes()


def _address(text: str, name: str = "") -> Address:
    try:
        return Address(display_name=name, addr_spec=text)
    except (MessageError, IndexError) as error:
        raise ValueError("no address") from error


def _html(words: Words) -> str:
    paragraphs = (html.escape(part).replace("\n", "<br>\n") for part in words.body.split("\n\n"))
    body = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    head = f'<head><meta charset="utf-8"><title>{html.escape(words.subject)}</title></head>'
    return f'<!doctype html>\n<html lang="en">{head}\n<body>\n{body}\n</body></html>\n'
