"""Opens the file storage and the mail server that the settings name."""

from domain.access.one_time_links import PURPOSE as ONE_TIME_LINKS
from domain.access.secret_keys import SecretKeys
from jobs.one_time_links import LinkMailer
from server.home import check_home
from server.secret_keys import read_keys
from server.settings import Settings
from storage.blobs import BlobStore, open_folder, open_s3
from storage.files import Files
from storage.letters import MailServer
from storage.mail import DemoMail, Outbox, SmtpServer
from storage.report_mailbox import ReportMailbox


def open_files(settings: Settings) -> Files:
    """The file storage that the settings name; SettingError where BILLING_HOME cannot hold it."""
    check_home(settings.home)
    return Files(open_store(settings), read_keys(settings), settings.public_url, settings.home / "incoming")


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


def open_link_mailer(settings: Settings, keys: SecretKeys, *, demo: bool = False) -> LinkMailer | None:
    """What sends one-time links by mail; None without a mail server, or without the public URL to which links lead."""
    if not settings.smtp_host or not settings.public_url:
        return None
    return LinkMailer(keys.newest(ONE_TIME_LINKS), settings.public_url, open_mail(settings, demo=demo))


def open_mail(settings: Settings, *, demo: bool = False) -> MailServer:
    """The mail server that the settings name, or the outbox folder without one; with a `demo`, no message goes to a real address."""
    if not settings.smtp_host:
        return Outbox(settings.home / "outbox", settings.mail_from)
    server = SmtpServer(
        settings.mail_from,
        settings.smtp_security,
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_user or None,
        password=settings.smtp_password or None,
    )
    if settings.imap_host:
        server.reports_to = settings.imap_address or settings.mail_from
    return DemoMail(server) if demo else server


def open_report_mailbox(settings: Settings) -> ReportMailbox | None:
    """The mailbox of delivery reports that the settings name; it is not connected to yet."""
    if not settings.imap_host:
        return None
    place = (settings.imap_host, settings.imap_port, settings.imap_security)
    return ReportMailbox(*place, settings.imap_user, settings.imap_password, settings.imap_folder)
