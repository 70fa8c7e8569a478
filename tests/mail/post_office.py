"""Decides how tests get a real SMTP server: what it takes it keeps, and what it is told to do wrong it does."""

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

from server.mail import SmtpServer

SENDER = "billing@clinic.example"
HOST = "127.0.0.1"
USER, PASSWORD = "clinic", "a password for the mail server"


@dataclass
class PostOffice:
    """What an SMTP server has taken, as (recipients, letter), and how it answers next."""

    port: int = 0
    taken: list[tuple[tuple[str, ...], EmailMessage]] = field(default_factory=list)
    # Recipient → answer to RCPT; answers to the next letters' content, of which "cut" ends the connection after it was kept.
    at_rcpt: dict[str, str] = field(default_factory=dict)
    at_data: list[str] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 (aiosmtpd calls it so)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Take a recipient, or answer what is said for it."""
        if address in self.at_rcpt:
            return self.at_rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a letter, or answer what is said next."""
        said = self.at_data.pop(0) if self.at_data else "250 Kept"
        if said == "slow":
            await asyncio.sleep(1)
        if said in ("cut", "250 Kept", "slow"):
            assert isinstance(envelope.content, bytes)
            self.was_encrypted.append(session.ssl is not None)
            letter = message_from_bytes(envelope.content, policy=default)
            self.taken.append((tuple(envelope.rcpt_tos), letter))
        if said == "cut":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 Kept" if said == "slow" else said

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """Let the clinic in, and nobody else."""
        assert isinstance(data, LoginPassword)
        is_known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        if is_known:
            self.signed_in.append(data.login.decode())
        return AuthResult(success=is_known, handled=False)

    @property
    def settings(self) -> dict[str, str]:
        """What an operator sets for it."""
        where = {"BILLING_SMTP_HOST": HOST, "BILLING_SMTP_PORT": str(self.port), "BILLING_SMTP_SECURITY": "none"}
        return {**where, "BILLING_MAIL_FROM": SENDER}

    @property
    def server(self) -> SmtpServer:
        """The same server as the project sends letters to it."""
        return SmtpServer(SENDER, "none", hostname=HOST, port=self.port)

    def texts(self) -> list[tuple[tuple[str, ...], str]]:
        """Recipients and plain text of each letter."""
        return [(to, plain(letter)) for to, letter in self.taken]


def plain(letter: EmailMessage) -> str:
    """What a letter says to who reads it as plain text."""
    part = letter.get_body(("plain",))
    assert part is not None
    return "\n".join(part.get_content().splitlines())


@contextmanager
def post_office(port: int = 0, **how: Any) -> Iterator[PostOffice]:
    """A server on a port, or on a free one; `how` is what aiosmtpd is told besides."""
    office = PostOffice(port or free_port())
    controller = Controller(office, hostname=HOST, port=office.port, **how)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
        return port


@dataclass(frozen=True)
class Certificate:
    """A certificate for this machine, for a server and for who trusts it."""

    path: Path

    def of_server(self) -> ssl.SSLContext:
        """What the server shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path)
        return context

    def trusted(self) -> ssl.SSLContext:
        """Who trusts it."""
        return ssl.create_default_context(cafile=str(self.path))


def certificate(folder: Path) -> Certificate:
    """A new one, with its key in the same file."""
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
