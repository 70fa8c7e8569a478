"""A real SMTP server for tests that records the messages it accepts and answers with errors on request."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from storage.mail import SmtpServer

SENDER = "billing@clinic.example"
HOST = "127.0.0.1"
USER, PASSWORD = "clinic", "a password for the mail server"


@dataclass
class RecordingSmtpServer:
    """The messages that an SMTP server accepted, as (recipients, message), and its next answers."""

    port: int = 0
    taken: list[tuple[tuple[str, ...], EmailMessage]] = field(default_factory=list)
    # Recipient → answer to RCPT; answers to the content of the next messages, of which "cut" ends the connection after storing it.
    at_rcpt: dict[str, str] = field(default_factory=dict)
    at_data: list[str] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    # The sender of each message, as its envelope names it.
    senders: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 (aiosmtpd calls it so)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Accept a recipient, or give the answer that is set for it."""
        if address in self.at_rcpt:
            return self.at_rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Store a message, or give the next answer that is set."""
        answer = self.at_data.pop(0) if self.at_data else "250 Kept"
        if answer == "slow":
            await asyncio.sleep(1)
        if answer in ("cut", "250 Kept", "slow"):
            assert isinstance(envelope.content, bytes)
            self.was_encrypted.append(session.ssl is not None)
            self.senders.append(str(envelope.mail_from))
            message = message_from_bytes(envelope.content, policy=default)
            self.taken.append((tuple(envelope.rcpt_tos), message))
        if answer == "cut":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 Kept" if answer == "slow" else answer

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """Authenticate the clinic only."""
        assert isinstance(data, LoginPassword)
        is_valid = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        if is_valid:
            self.signed_in.append(data.login.decode())
        return AuthResult(success=is_valid, handled=False)

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the product for this server."""
        server = {"BILLING_SMTP_HOST": HOST, "BILLING_SMTP_PORT": str(self.port), "BILLING_SMTP_SECURITY": "none"}
        return {**server, "BILLING_MAIL_FROM": SENDER}

    @property
    def server(self) -> SmtpServer:
        """The product's client of this server."""
        return SmtpServer(SENDER, "none", hostname=HOST, port=self.port)

    def texts(self) -> list[tuple[tuple[str, ...], str]]:
        """Recipients and plain text of each message."""
        return [(to, plain(message)) for to, message in self.taken]


def plain(message: EmailMessage) -> str:
    """The plain text of a message."""
    part = message.get_body(("plain",))
    assert part is not None
    return "\n".join(part.get_content().splitlines())


@contextmanager
def recording_smtp_server(port: int = 0, **options: Any) -> Iterator[RecordingSmtpServer]:
    """An SMTP server on the port, or on a free one; `options` are passed to aiosmtpd's Controller."""
    mail_server = RecordingSmtpServer(port or free_port())
    controller = Controller(mail_server, hostname=HOST, port=mail_server.port, **options)
    controller.start()
    try:
        yield mail_server
    finally:
        controller.stop()


def free_port() -> int:
    """A port on which no process listens."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
        return port


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for this host, with TLS contexts for the server and for its clients."""

    path: Path

    def of_server(self) -> ssl.SSLContext:
        """The TLS context of the server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path)
        return context

    def trusted(self) -> ssl.SSLContext:
        """The TLS context of a client that trusts the certificate."""
        return ssl.create_default_context(cafile=str(self.path))


def certificate(folder: Path) -> Certificate:
    """A new certificate, with its key in the same file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(*kinds) + signed.public_bytes(serialization.Encoding.PEM))
    return Certificate(path)
