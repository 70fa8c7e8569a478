"""Opens the file storage, the key of signed URLs and the mail server that the settings name."""

import os
import secrets
from pathlib import Path

from identity.login_commands import one_time_link_key
from jobs.one_time_links import LinkMailer
from server.settings import Settings
from storage.blobs import BlobStore, open_folder, open_s3
from storage.files import Files
from storage.letters import MailServer
from storage.mail import Outbox, SmtpServer

_KEY_BYTES = 32


def open_files(settings: Settings) -> Files:
    """The file storage that the settings name."""
    return Files(open_store(settings), secret_key_of(settings), settings.public_url, settings.home / "incoming")


def secret_key_of(settings: Settings) -> bytes:
    """The server's secret key: that of the settings or, without one, the one that is generated once and kept in BILLING_HOME."""
    if settings.secret_key:
        return settings.secret_key.encode()
    kept = settings.home / "secret-key"
    if not kept.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        _write_once(kept, secrets.token_hex(_KEY_BYTES))
    return kept.read_bytes()


def _write_once(path: Path, text: str) -> None:
    """Write a file for its owner only, atomically; when several processes try, exactly one succeeds."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def open_store(settings: Settings) -> BlobStore:
    """The blob store that the settings name; no request is sent to it yet."""
    if not settings.storage_url:
        return open_folder(settings.home / "files")
    return open_s3(
        settings.storage_url,
        settings.storage_endpoint,
        settings.storage_region,
        settings.storage_access_key,
        settings.storage_secret_key,
    )


def open_link_mailer(settings: Settings) -> LinkMailer | None:
    """What sends one-time links by mail; None without a mail server, or without the public URL to which links lead."""
    if not settings.smtp_host or not settings.public_url:
        return None
    return LinkMailer(one_time_link_key(secret_key_of(settings)), settings.public_url, open_mail(settings))


def open_mail(settings: Settings) -> MailServer:
    """The mail server that the settings name, or the outbox folder without one."""
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
