"""Renders outbound messages as e-mails: headers, plain text and the same as HTML."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import quote
from uuid import UUID

from exports.templates import Words

# A mail server need not support 8-bit content.
_POLICY = SMTP.clone(cte_type="7bit")
# Control characters but tab and line feed, and those that embed, override or isolate a direction: addresses and templates may
# contain them, and a reader's mail program would act on them.
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who a clinic's mail is from: the sender, the address for replies, and the name, address and phone below the text."""

    sender: str
    sender_name: str
    reply_to: str
    lines: tuple[str, ...] = ()


def letterhead_of(clinic: Mapping[str, Any], server_sender: str) -> Letterhead:
    """The letterhead of a row of `clinics`; the sender is that of the server where the clinic has none.

    Below the text stand the name, address and phone, if the clinic has one of the latter.
    """
    sender = clinic["sender_address"] or server_sender
    address = [line.strip() for line in (clinic["address"] or "").splitlines() if line.strip()]
    contact = [*address, *([f"Phone {clinic['phone']}"] if clinic["phone"] else [])]
    lines = (clinic["name"], *contact) if contact else ()
    return Letterhead(sender, clinic["sender_name"] or clinic["name"], clinic["reply_to"] or sender, lines)


def with_signature(words: Words, letterhead: Letterhead) -> Words:
    """The words with the letterhead below the text, after the usual mark of a signature."""
    return (
        replace(words, body="\n".join([words.body.rstrip(), "", "-- ", *letterhead.lines]))
        if letterhead.lines
        else words
    )


def compose(
    words: Words,
    identity: UUID,
    sender: str,
    clinic: str,
    addresses: Sequence[str],
    moment: datetime,
    *,
    reply_to: str = "",
    can_unsubscribe: bool = False,
    attached: tuple[str, bytes] | None = None,
) -> bytes:
    """The bytes of an e-mail to the first address, with a copy (CC) to the second, if there is one, and a PDF `attached` under a name.

    Replies go to `reply_to`, by default to the sender, and so do requests to unsubscribe: staff put the address on the
    suppression list.

    The Message-ID is derived from the message and the same for every delivery attempt, so that a mail server can detect
    duplicates, and bounce reports can be assigned. ValueError for an address that cannot be used in a header.
    """
    words = replace(words, subject=_ACTING.sub("", words.subject), body=_ACTING.sub("", words.body))
    message = EmailMessage(policy=_POLICY)
    message["From"] = _address(sender, clinic)
    for header, address in zip(("To", "Cc"), addresses, strict=False):
        message[header] = _address(address)
    message["Reply-To"] = _address(reply_to or sender)
    if can_unsubscribe:
        subject = quote(f"unsubscribe {identity}")
        message["List-Unsubscribe"] = f"<mailto:{quote(reply_to or sender, safe='@')}?subject={subject}>"
    message["Subject"] = words.subject
    message["Date"] = moment
    message["Message-ID"] = f"<{identity}@{sender.partition('@')[2]}>"
    # Suppresses automatic replies, such as out-of-office notes.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(words.body)
    message.add_alternative(_html(words), subtype="html")
    if attached:
        name, pdf = attached
        message.add_attachment(pdf, maintype="application", subtype="pdf", filename=name)
    return message.as_bytes()


def _address(text: str, name: str = "") -> Address:
    try:
        return Address(display_name=name, addr_spec=text)
    except (MessageError, IndexError) as error:
        raise ValueError("no address") from error


def _html(words: Words) -> str:
    paragraphs = (html.escape(part).replace("\n", "<br>\n") for part in words.body.split("\n\n"))
    body = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    if words.link:
        shown = html.escape(words.link)
        body = body.replace(shown, f'<a href="{shown}">{shown}</a>')
    head = f'<head><meta charset="utf-8"><title>{html.escape(words.subject)}</title></head>'
    return f'<!doctype html>\n<html lang="en">{head}\n<body>\n{body}\n</body></html>\n'
