"""Reads delivery reports of mail servers (RFC 3464): which message of ours did not reach whom, and why in our own words."""

import re
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from hashlib import sha256
from uuid import UUID

# The report stands at the beginning of a message, before the returned one: no more of it is read.
MOST_BYTES = 256 * 1024
MOST_RECIPIENTS = 50
_MOST_PARTS = 8
_LARGEST_HEAD, _LONGEST_VALUE = 32 * 1024, 1_000
_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED_PARTS = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
_ID = re.compile(r"<?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>\s]{1,255}>?", re.IGNORECASE)
_STATUS = re.compile(r"(?<![0-9.])([45]\.[0-9]{1,3}\.[0-9]{1,3})(?!\.?[0-9])")
_XTEXT = re.compile(r"\+([0-9a-f]{2})")

# Status codes without their first number (RFC 3463 and its registry), the most exact first → what happened.
_REASONS = (
    (("1.2", "1.10"), "The domain of the address takes no mail"),
    (("1.7", "1.8"), "The recipient's mail server refuses the sender"),
    (("1",), "The address does not exist"),
    (("2.1",), "The mailbox is disabled"),
    (("2.2",), "The mailbox is full"),
    (("2.3", "3.4"), "The message is too large"),
    (("2",), "The mailbox takes no mail"),
    (("4", "3"), "The recipient's mail server could not take the message in time"),
    (("7", "6"), "The recipient's mail server refuses the message"),
)
_WRONG_ADDRESS = re.compile(r"5\.1\.(?![78]$)")
_PROPOSAL = "correct the address, or put it on the suppression list"


@dataclass(frozen=True, slots=True)
class FailedRecipient:
    """A recipient to whom a message was not delivered: the final and the original address, in lower case, and the status code."""

    addresses: frozenset[str]
    status: str

    @property
    def reason(self) -> str:
        """What happened, with the code; for an address that does not exist, what staff can do."""
        about = self.status.partition(".")[2]
        found = (words for codes, words in _REASONS if any(f"{about}.".startswith(f"{code}.") for code in codes))
        reason = next(found, "The message could not be delivered")
        coded = f"{reason} ({self.status})" if self.status else reason
        return f"{coded}: {_PROPOSAL}" if _WRONG_ADDRESS.match(self.status) else coded


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A delivery report about a message; without failures, the message is delayed, or was passed on or delivered."""

    message_id: UUID
    failures: tuple[FailedRecipient, ...]
    # The same for the same report, however often it is read.
    key: bytes


def read_report(content: bytes) -> DeliveryReport | None:
    """The delivery report in a message; None where it is none, or is not about a message with an id of ours. Nothing is raised."""
    try:
        return _read(content[:MOST_BYTES].replace(b"\r\n", b"\n"))
    # What the standard library raises for broken headers, charsets and encodings.
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _read(content: bytes) -> DeliveryReport | None:
    head, body = _split(content)
    message = _headers(head)
    if _kind(message) != "multipart/report":
        return None
    parts = [_split(part) for part in _parts(body, str(message.get_boundary("")))]
    typed = [(_headers(part_head), part_body) for part_head, part_body in parts]
    told = next((_decoded(part, text) for part, text in typed if _kind(part) in _STATUS_PARTS), None)
    if told is None:
        return None
    returned = next((_split(_decoded(part, text))[0] for part, text in typed if _kind(part) in _RETURNED_PARTS), b"")
    named = _value(_headers(returned), "Message-ID") or _value(message, "In-Reply-To")
    identity = _ID.fullmatch(named)
    if identity is None:
        return None
    failures = tuple(_failures(told))
    own_id = _value(message, "Message-ID").encode("utf-8", "replace")
    key = sha256(b"\n".join([own_id or content, identity[1].lower().encode(), repr(_in_order(failures)).encode()]))
    return DeliveryReport(UUID(identity[1]), failures, key.digest())


def _in_order(failures: tuple[FailedRecipient, ...]) -> list[tuple[list[str], str]]:
    """Failures in a form that does not depend on the order of sets."""
    return [(sorted(failure.addresses), failure.status) for failure in failures]


def _split(content: bytes) -> tuple[bytes, bytes]:
    """The headers and the body of a message or of one of its parts."""
    if content.startswith(b"\n"):
        return b"", content[1:]
    head, _, body = content.partition(b"\n\n")
    return head[:_LARGEST_HEAD], body


def _headers(head: bytes) -> Message:
    return BytesHeaderParser().parsebytes(head)


def _value(message: Message, name: str) -> str:
    """A header in one line; empty where it is missing or too long to be what it says."""
    value = " ".join(str(message.get(name, "")).split())
    return value if len(value) <= _LONGEST_VALUE else ""


def _kind(message: Message) -> str:
    """The content type; parameters of a header that is too long are not looked at, since reading them takes quadratic time."""
    return message.get_content_type() if _value(message, "Content-Type") else ""


def _parts(body: bytes, boundary: str) -> Iterator[bytes]:
    """The first parts of a multipart body, as they are."""
    if not boundary:
        return
    delimiter = re.compile(rb"\n--" + re.escape(boundary.encode()) + rb"(?:--)?[ \t]*(?=\n|\Z)")
    for part in delimiter.split(b"\n" + body, _MOST_PARTS)[1 : _MOST_PARTS + 1]:
        yield part.removeprefix(b"\n")


def _decoded(part: Message, body: bytes) -> bytes:
    """The body of a part without its transfer encoding."""
    encoding = _value(part, "Content-Transfer-Encoding").lower()
    if encoding == "base64":
        body = a2b_base64(body)
    elif encoding == "quoted-printable":
        body = a2b_qp(body)
    return body.replace(b"\r\n", b"\n")


def _failures(told: bytes) -> Iterator[FailedRecipient]:
    """The recipients to whom the message was not delivered; delayed, relayed, expanded and delivered ones are no failures."""
    groups = [group for group in told.split(b"\n\n") if group.strip()]
    for group in groups[: MOST_RECIPIENTS + 1]:
        fields = _headers(group.strip(b"\n")[:_LARGEST_HEAD])
        addresses = frozenset(_addresses(fields))
        action = re.match(r"[a-z]*", _value(fields, "Action").lower())
        if addresses and action and action[0] == "failed":
            found = _STATUS.search(_value(fields, "Status")) or _STATUS.search(_value(fields, "Diagnostic-Code"))
            yield FailedRecipient(addresses, found[1] if found else "")


def _addresses(fields: Message) -> Iterator[str]:
    for name in ("Final-Recipient", "Original-Recipient"):
        kind, _, address = _value(fields, name).partition(";")
        if kind.strip().lower() in ("rfc822", "utf-8") and "@" in address:
            plain = address.strip().strip("<>").lower()
            # Some servers leave the encoding of SMTP (xtext) in place.
            yield from (plain, _XTEXT.sub(lambda code: chr(int(code[1], 16)), plain))
