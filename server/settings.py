"""The settings: every environment variable of the server with its meaning and default; the only reader of the environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from server.operator_errors import OperatorError
from server.setting_values import (
    algorithms,
    app_names,
    count,
    database_address,
    issuer,
    log_level,
    mail_security,
    mailbox,
    names,
    networks,
    optional_mailbox,
    origins,
    port_number,
    positive,
    secret,
    secret_list,
    skew,
    store_address,
    web_address,
    yes_or_no,
)


class SettingError(OperatorError):
    """A setting with a wrong value: its name, and what is expected."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable."""

    variable: str
    meaning: str
    default: str
    read: Callable[[str], Any]


SETTINGS = {
    "host": Setting("BILLING_HOST", "The address to listen on.", "127.0.0.1", str),
    "port": Setting("BILLING_PORT", "The port to listen on; 0 picks a free one.", "8000", port_number),
    "home": Setting("BILLING_HOME", "The folder of the embedded PostgreSQL and of files.", ".billing", Path),
    "demo_password": Setting(
        "BILLING_DEMO_PASSWORD",
        "The password of the five demo users; without it, one is generated and printed.",
        "",
        str,
    ),
    "database_url": Setting(
        "DATABASE_URL",
        "The URL of a PostgreSQL ≥ 16 with its owner's login, instead of the embedded one.",
        "",
        database_address,
    ),
    "direct_database_url": Setting(
        "BILLING_DIRECT_DATABASE_URL",
        "The owner's direct URL of PostgreSQL, when DATABASE_URL is that of a connection pooler such as PgBouncer in transaction mode.",
        "",
        database_address,
    ),
    "read_database_url": Setting(
        "BILLING_READ_DATABASE_URL",
        "The owner's URL of a streaming replica for reads of staff and analysts; without it, the primary answers them.",
        "",
        database_address,
    ),
    "session_idle_minutes": Setting(
        "BILLING_SESSION_IDLE_MINUTES", "The idle timeout of a session, in minutes.", "30", positive
    ),
    "session_hours": Setting("BILLING_SESSION_HOURS", "The absolute timeout of a session, in hours.", "12", positive),
    "trusted_proxies": Setting(
        "BILLING_TRUSTED_PROXIES",
        "The addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto headers are trusted, separated by commas.",
        "",
        networks,
    ),
    "oidc_issuer": Setting(
        "BILLING_OIDC_ISSUER",
        "The issuer of the OpenID Connect provider whose tokens are also accepted, exactly as in its discovery document.",
        "",
        issuer,
    ),
    "oidc_audience": Setting(
        "BILLING_OIDC_AUDIENCE", "The audience of its tokens (`aud`); required with an issuer.", "", str
    ),
    "oidc_clients": Setting(
        "BILLING_OIDC_CLIENTS",
        "The clients to which its tokens may have been issued (`azp` or `client_id`), separated by commas; "
        "without it, any client, but for a token with several audiences only the audience itself.",
        "",
        names,
    ),
    "oidc_algorithms": Setting(
        "BILLING_OIDC_ALGORITHMS",
        "The accepted signature algorithms of its tokens, separated by commas; asymmetric ones only.",
        "RS256,PS256,ES256,EdDSA",
        algorithms,
    ),
    "oidc_skew": Setting(
        "BILLING_OIDC_SKEW_SECONDS",
        "The allowed clock skew between the provider and the server, in seconds; at most 300.",
        "60",
        skew,
    ),
    "oidc_email": Setting(
        "BILLING_OIDC_EMAIL",
        "yes: a user without a subject is found by verified e-mail, and the token's subject is stored; "
        "no: by subject alone.",
        "yes",
        yes_or_no,
    ),
    "oidc_clinic": Setting(
        "BILLING_OIDC_CLINIC",
        "The short name of the one clinic whose users sign in with that provider; without it, the users of all clinics.",
        "",
        str,
    ),
    "oidc_clinic_claim": Setting(
        "BILLING_OIDC_CLINIC_CLAIM",
        "The claim that holds the clinic's short name; without it, users with accounts in several clinics need a subject.",
        "",
        str,
    ),
    "api_token_days": Setting(
        "BILLING_API_TOKEN_DAYS", "The longest lifetime of an API token, in days.", "365", positive
    ),
    "public_url": Setting(
        "BILLING_PUBLIC_URL",
        "The base URL of the server, for signed URLs of files and links in mails; without it, each request's own host is used, and links "
        "of invitations are shown instead of mailed.",
        "",
        web_address,
    ),
    "allowed_origins": Setting(
        "BILLING_ALLOWED_ORIGINS",
        "The origins of web apps that may use the API from a browser, such as https://app.example.org, separated by commas; without it, "
        "only pages of the server itself.",
        "",
        origins,
    ),
    "apps": Setting(
        "BILLING_APPS",
        "The web apps that are served, separated by commas: console (at /console/); none serves the API alone.",
        "console",
        app_names,
    ),
    "secret_key": Setting(
        "BILLING_SECRET_KEY",
        "The key for signed URLs of files and for encrypting second factors and notifications; without it, one is generated and kept in "
        "BILLING_HOME. "
        "Servers with the same DATABASE_URL that do not share that folder must be given the same key.",
        "",
        secret,
    ),
    "old_secret_keys": Setting(
        "BILLING_OLD_SECRET_KEYS",
        "Former values of BILLING_SECRET_KEY, separated by commas, or as a JSON list where a key contains a comma: what they have "
        "signed or encrypted can still be read. `billing rotate-keys` says when they are no longer needed.",
        "",
        secret_list,
    ),
    "storage_url": Setting(
        "BILLING_STORAGE_URL",
        "The S3-compatible store of files, as s3://bucket/prefix, instead of a folder in BILLING_HOME.",
        "",
        store_address,
    ),
    "storage_endpoint": Setting(
        "BILLING_STORAGE_ENDPOINT", "The endpoint URL of that store, unless it is Amazon S3.", "", web_address
    ),
    "storage_region": Setting("BILLING_STORAGE_REGION", "The region of that store.", "", str),
    "storage_access_key": Setting(
        "BILLING_STORAGE_ACCESS_KEY",
        "The access key of that store; without it, the host's own credentials are used.",
        "",
        str,
    ),
    "storage_secret_key": Setting("BILLING_STORAGE_SECRET_KEY", "The secret key of that store.", "", str),
    "smtp_host": Setting(
        "BILLING_SMTP_HOST",
        "The SMTP server for messages to payers, invitations and new passwords; without it nothing is sent: messages are written to "
        "BILLING_HOME/outbox, and links of invitations are shown.",
        "",
        str,
    ),
    "smtp_port": Setting("BILLING_SMTP_PORT", "The port of the mail server.", "587", port_number),
    "smtp_security": Setting(
        "BILLING_SMTP_SECURITY",
        "starttls: TLS by the STARTTLS command; tls: TLS from the beginning (port 465); none: no encryption, only for "
        "a server on the same machine.",
        "starttls",
        mail_security,
    ),
    "smtp_user": Setting(
        "BILLING_SMTP_USER", "The user name at the mail server; without it, no authentication.", "", str
    ),
    "smtp_password": Setting("BILLING_SMTP_PASSWORD", "The password at the mail server.", "", str),
    "imap_host": Setting(
        "BILLING_IMAP_HOST",
        "The IMAP server of a mailbox to which mail servers send their delivery reports: messages to payers that could not be delivered "
        "become action items; without it, no reports are read.",
        "",
        str,
    ),
    "imap_port": Setting("BILLING_IMAP_PORT", "The port of that server.", "993", port_number),
    "imap_security": Setting(
        "BILLING_IMAP_SECURITY",
        "tls: TLS from the beginning (port 993); starttls: TLS by the STARTTLS command; none: no encryption, only for "
        "a server on the same machine.",
        "tls",
        mail_security,
    ),
    "imap_user": Setting("BILLING_IMAP_USER", "The user name at that server; required with it.", "", str),
    "imap_password": Setting("BILLING_IMAP_PASSWORD", "The password at that server; required with it.", "", str),
    "imap_folder": Setting(
        "BILLING_IMAP_FOLDER", "The folder of the mailbox that is read, and not changed.", "INBOX", str
    ),
    "imap_address": Setting(
        "BILLING_IMAP_ADDRESS",
        "The e-mail address of that mailbox, to which reports are asked for (envelope sender); without it, BILLING_MAIL_FROM.",
        "",
        optional_mailbox,
    ),
    "requests_per_minute": Setting(
        "BILLING_REQUESTS_PER_MINUTE",
        "The rate limit: requests a minute of one user to one process, ten times as many of one address; 0: no limit.",
        "6000",
        count,
    ),
    "trusted_documents": Setting(
        "BILLING_TRUSTED_DOCUMENTS",
        "A folder of trusted documents, one name.graphql each; with it, only these run, requested by name, by hash or by their text.",
        "",
        str,
    ),
    "log_level": Setting(
        "BILLING_LOG_LEVEL",
        "The lowest log level: debug (logs each operation), info, warning or error.",
        "info",
        log_level,
    ),
    "metrics_token": Setting(
        "BILLING_METRICS_TOKEN",
        "The bearer token for /metrics, at least 32 characters; without it, there is no such page.",
        "",
        secret,
    ),
    "otlp_endpoint": Setting(
        "BILLING_OTLP_ENDPOINT",
        "The OpenTelemetry collector for traces (OTLP over HTTP), such as http://localhost:4318; without it, no spans are recorded.",
        "",
        web_address,
    ),
    "mail_from": Setting(
        "BILLING_MAIL_FROM", "The sender address of messages to payers.", "billing@localhost", mailbox
    ),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process; SETTINGS documents each."""

    host: str
    port: int
    home: Path
    demo_password: str
    database_url: str
    direct_database_url: str
    read_database_url: str
    session_idle_minutes: int
    session_hours: int
    trusted_proxies: str
    oidc_issuer: str
    oidc_audience: str
    oidc_clients: frozenset[str]
    oidc_algorithms: frozenset[str]
    oidc_skew: timedelta
    oidc_email: bool
    oidc_clinic: str
    oidc_clinic_claim: str
    api_token_days: int
    public_url: str
    allowed_origins: frozenset[str]
    apps: frozenset[str]
    secret_key: str
    old_secret_keys: tuple[str, ...]
    storage_url: str
    storage_endpoint: str
    storage_region: str
    storage_access_key: str
    storage_secret_key: str
    smtp_host: str
    smtp_port: int
    smtp_security: str
    smtp_user: str
    smtp_password: str
    imap_host: str
    imap_port: int
    imap_security: str
    imap_user: str
    imap_password: str
    imap_folder: str
    imap_address: str
    requests_per_minute: int
    trusted_documents: str
    log_level: str
    metrics_token: str
    otlp_endpoint: str
    mail_from: str


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from an environment; SettingError names a wrong or unknown one."""
    variables = os.environ if environment is None else environment
    known = {setting.variable for setting in SETTINGS.values()}
    for variable in variables:
        if variable.startswith("BILLING_") and variable not in known:
            raise SettingError(f"{variable} is not a known setting; the settings are {', '.join(sorted(known))}")
    settings = Settings(**{name: _read(setting, variables) for name, setting in SETTINGS.items()})
    if settings.oidc_issuer and not settings.oidc_audience:
        raise SettingError(
            "BILLING_OIDC_AUDIENCE is needed with BILLING_OIDC_ISSUER: without it, tokens for any service would be accepted"
        )
    if (settings.direct_database_url or settings.read_database_url) and not settings.database_url:
        raise SettingError("DATABASE_URL is needed with BILLING_DIRECT_DATABASE_URL and BILLING_READ_DATABASE_URL")
    if settings.smtp_host and settings.mail_from == SETTINGS["mail_from"].default:
        raise SettingError("BILLING_MAIL_FROM is needed with BILLING_SMTP_HOST: the address that payers reply to")
    if settings.imap_host and not (settings.smtp_host and settings.imap_user and settings.imap_password):
        raise SettingError("BILLING_IMAP_HOST needs BILLING_SMTP_HOST, BILLING_IMAP_USER and BILLING_IMAP_PASSWORD")
    return settings


def _read(setting: Setting, variables: Mapping[str, str]) -> Any:
    try:
        return setting.read(variables.get(setting.variable) or setting.default)
    except ValueError as error:
        raise SettingError(f"{setting.variable} is wrong: expected {error}") from error
