"""Renders outbound messages as e-mails: headers, plain text and the same as HTML."""

import html
from collections.abc import Sequence
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

from exports.templates import Words

# A mail server need not support 8-bit content.
_POLICY = SMTP.clone(cte_type="7bit")


def compose(
    words: Words, identity: UUID, sender: str, clinic: str, addresses: Sequence[str], moment: datetime
) -> bytes:
    """The bytes of an e-mail to the first address, with a copy (CC) to the second, if there is one.

    The Message-ID is derived from the message and the same for every delivery attempt, so that a mail server can detect
    duplicates, and bounce reports can be assigned. ValueError for an address that cannot be used in a header.
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = _address(sender, clinic)
    for header, address in zip(("To", "Cc"), addresses, strict=False):
        message[header] = _address(address)
    message["Subject"] = words.subject
    message["Date"] = moment
    message["Message-ID"] = f"<{identity}@{sender.partition('@')[2]}>"
    # Suppresses automatic replies, such as out-of-office notes.
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
