"""E-mail messages as they are sent, the result of a delivery, and the interface of a mail server."""

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class EmailMessage:
    """An e-mail message as it is sent, and the recipients of its headers that it has not been delivered to yet."""

    id: UUID
    recipients: tuple[str, ...]
    content: bytes
    # The sender's address for the mail server (envelope); empty: that of the server's settings.
    sender: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The result of a delivery by recipient: accepted, refused for good, or delayed and to be retried, each with its reason."""

    accepted: frozenset[str] = frozenset()
    refused: dict[str, str] = field(default_factory=dict)
    delayed: dict[str, str] = field(default_factory=dict)
    # The mail server could not be reached at all: the worker may wait with its other messages, too.
    is_unreachable: bool = False


class MailServer(Protocol):
    """Delivers e-mail messages."""

    sender: str

    async def send(self, letter: EmailMessage) -> DeliveryResult:
        """Send a message; delivery failures are in the answer, no error is raised."""
        ...
