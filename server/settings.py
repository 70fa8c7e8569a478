"""Decides what an operator can set: every BILLING_ variable, its meaning, its default; the only reader of the environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from server.setting_values import (
    algorithms,
    count,
    database_address,
    issuer,
    log_level,
    mail_security,
    mailbox,
    names,
    networks,
    port_number,
    positive,
    secret,
    skew,
    store_address,
    web_address,
    yes_or_no,
)


class SettingError(Exception):
    """A setting that is wrong: its name, and what is expected."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of the environment."""

    variable: str
    meaning: str
    default: str
    read: Callable[[str], Any]


SETTINGS = {
    "host": Setting("BILLING_HOST", "The address to listen on.", "127.0.0.1", str),
    "port": Setting("BILLING_PORT", "The port to listen on; 0 picks a free one.", "8000", port_number),
    "home": Setting("BILLING_HOME", "The folder of the embedded PostgreSQL and of files.", ".billing", Path),
    "demo_password": Setting(
        "BILLING_DEMO_PASSWORD", "The password of the five demo users; without it one is made up and printed.", "", str
    ),
    "database_url": Setting(
        "DATABASE_URL", "The owner's address of a PostgreSQL ≥ 16, instead of the embedded one.", "", database_address
    ),
    "direct_database_url": Setting(
        "BILLING_DIRECT_DATABASE_URL",
        "The owner's address of PostgreSQL itself, where DATABASE_URL leads through a pooler such as PgBouncer in transaction mode.",
        "",
        database_address,
    ),
    "read_database_url": Setting(
        "BILLING_READ_DATABASE_URL",
        "The owner's address at a streaming replica that answers reads of staff and analysts; without it the primary does.",
        "",
        database_address,
    ),
    "session_idle_minutes": Setting(
        "BILLING_SESSION_IDLE_MINUTES", "A session unused for so long ends.", "30", positive
    ),
    "session_hours": Setting("BILLING_SESSION_HOURS", "A session ends after so long in any case.", "12", positive),
    "trusted_proxies": Setting(
        "BILLING_TRUSTED_PROXIES",
        "The addresses of proxies that are believed when they say by X-Forwarded-For and X-Forwarded-Proto who asks and how.",
        "",
        networks,
    ),
    "oidc_issuer": Setting(
        "BILLING_OIDC_ISSUER",
        "The OpenID Connect provider whose tokens are accepted beside our own, spelt as in its discovery document.",
        "",
        issuer,
    ),
    "oidc_audience": Setting(
        "BILLING_OIDC_AUDIENCE", "Whom its tokens must be made out to (`aud`); needed with an issuer.", "", str
    ),
    "oidc_clients": Setting(
        "BILLING_OIDC_CLIENTS",
        "The clients to which its tokens may have been given (`azp` or `client_id`), with commas between them; "
        "without it any, but for a token of several audiences only the audience itself.",
        "",
        names,
    ),
    "oidc_algorithms": Setting(
        "BILLING_OIDC_ALGORITHMS",
        "How its tokens may be signed, with commas between the names; only pairs of keys, no shared secret.",
        "RS256,PS256,ES256,EdDSA",
        algorithms,
    ),
    "oidc_skew": Setting(
        "BILLING_OIDC_SKEW_SECONDS", "How far the provider's clock may be from ours; up to 300.", "60", skew
    ),
    "oidc_email": Setting(
        "BILLING_OIDC_EMAIL",
        "yes: a user without a subject is found by a verified e-mail, and gets the token's subject then; "
        "no: by subject alone.",
        "yes",
        yes_or_no,
    ),
    "oidc_clinic": Setting(
        "BILLING_OIDC_CLINIC",
        "The short name of the one clinic whose users come by that provider; without it those of all.",
        "",
        str,
    ),
    "oidc_clinic_claim": Setting(
        "BILLING_OIDC_CLINIC_CLAIM",
        "The claim that names the clinic (its short name); without it, who has accounts in several must have a subject.",
        "",
        str,
    ),
    "api_token_days": Setting(
        "BILLING_API_TOKEN_DAYS", "A token for a program is good for so many days at most.", "365", positive
    ),
    "public_url": Setting(
        "BILLING_PUBLIC_URL",
        "Where clients reach the server, for links to files; without it, where each request says that it came.",
        "",
        web_address,
    ),
    "secret_key": Setting(
        "BILLING_SECRET_KEY",
        "Signs links to files, encrypts second factors; without it one is made up and kept in BILLING_HOME. "
        "Servers that use one DATABASE_URL and do not share that folder must be given the same.",
        "",
        secret,
    ),
    "storage_url": Setting(
        "BILLING_STORAGE_URL",
        "The S3-compatible store of files, as s3://bucket/prefix, instead of a folder in BILLING_HOME.",
        "",
        store_address,
    ),
    "storage_endpoint": Setting(
        "BILLING_STORAGE_ENDPOINT", "The address of that store, when it is not Amazon's own.", "", web_address
    ),
    "storage_region": Setting("BILLING_STORAGE_REGION", "The region of that store.", "", str),
    "storage_access_key": Setting(
        "BILLING_STORAGE_ACCESS_KEY", "The access key to that store; without it, what the host is given.", "", str
    ),
    "storage_secret_key": Setting("BILLING_STORAGE_SECRET_KEY", "The secret that belongs to it.", "", str),
    "smtp_host": Setting(
        "BILLING_SMTP_HOST",
        "The mail server that messages to payers go to; without it nothing is sent: they are put into BILLING_HOME/outbox.",
        "",
        str,
    ),
    "smtp_port": Setting("BILLING_SMTP_PORT", "The port of the mail server.", "587", port_number),
    "smtp_security": Setting(
        "BILLING_SMTP_SECURITY",
        "starttls: encrypted from the first command on; tls: from the beginning (port 465); none: not at all, which is for "
        "a server on the same machine.",
        "starttls",
        mail_security,
    ),
    "smtp_user": Setting(
        "BILLING_SMTP_USER", "The user of the mail server; without it, it is not signed in to.", "", str
    ),
    "smtp_password": Setting("BILLING_SMTP_PASSWORD", "The password that belongs to it.", "", str),
    "requests_per_minute": Setting(
        "BILLING_REQUESTS_PER_MINUTE",
        "How many requests one user may send to one process, and ten times as many one address; 0: as many as they like.",
        "6000",
        count,
    ),
    "trusted_documents": Setting(
        "BILLING_TRUSTED_DOCUMENTS",
        "A folder of documents, name.graphql each: with it only these run, by name, by hash or sent whole.",
        "",
        str,
    ),
    "log_level": Setting(
        "BILLING_LOG_LEVEL",
        "From which level on is logged: debug (each operation), info, warning or error.",
        "info",
        log_level,
    ),
    "metrics_token": Setting(
        "BILLING_METRICS_TOKEN", "The bearer token that opens /metrics; without it there is no such page.", "", secret
    ),
    "otlp_endpoint": Setting(
        "BILLING_OTLP_ENDPOINT",
        "The OpenTelemetry collector that spans are sent to (OTLP over HTTP), such as http://localhost:4318; without it none are made.",
        "",
        web_address,
    ),
    "mail_from": Setting("BILLING_MAIL_FROM", "The address that messages come from.", "billing@localhost", mailbox),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process; their meaning stands in SETTINGS."""

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
    secret_key: str
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
    requests_per_minute: int
    trusted_documents: str
    log_level: str
    metrics_token: str
    otlp_endpoint: str
    mail_from: str


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that an environment says; SettingError names one that is wrong or that nobody knows."""
    said = os.environ if environment is None else environment
    known = {setting.variable for setting in SETTINGS.values()}
    for variable in said:
        if variable.startswith("BILLING_") and variable not in known:
            raise SettingError(f"{variable} is no setting; known are {', '.join(sorted(known))}")
    settings = Settings(**{name: _read(setting, said) for name, setting in SETTINGS.items()})
    if settings.oidc_issuer and not settings.oidc_audience:
        raise SettingError("BILLING_OIDC_AUDIENCE is needed with BILLING_OIDC_ISSUER: any service's tokens would do")
    if (settings.direct_database_url or settings.read_database_url) and not settings.database_url:
        raise SettingError("DATABASE_URL is needed with BILLING_DIRECT_DATABASE_URL and BILLING_READ_DATABASE_URL")
    if settings.smtp_host and settings.mail_from == SETTINGS["mail_from"].default:
        raise SettingError("BILLING_MAIL_FROM is needed with BILLING_SMTP_HOST: whom payers answer")
    return settings


def _read(setting: Setting, said: Mapping[str, str]) -> Any:
    try:
        return setting.read(said.get(setting.variable) or setting.default)
    except ValueError as error:
        raise SettingError(f"{setting.variable} is wrong: expected is {error}") from error
