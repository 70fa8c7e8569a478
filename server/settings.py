"""Decides what an operator can set: every BILLING_ variable, its meaning, its default; the only reader of the environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class SettingError(Exception):
    """A setting that is wrong: its name, and what is expected."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of the environment."""

    variable: str
    meaning: str
    default: str
    read: Callable[[str], Any]


_ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519 Ed448".split()
_LARGEST_SKEW = 300
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LARGEST_PORT = 65535
_SHORTEST_SECRET = 32


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LARGEST_PORT:
        raise ValueError(f"a number from 0 (any free port) to {_LARGEST_PORT}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ValueError("a whole number above 0")
    return int(text)


def _address(text: str) -> str:
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("an address such as postgresql://user:password@host:5432/database")
    return text


def _store(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment):
        raise ValueError("an address such as s3://bucket/prefix")
    return text


def _web(text: str) -> str:
    if text and not (text.startswith(("http://", "https://")) and urlsplit(text).netloc):
        raise ValueError("an address such as https://billing.example.org")
    return text.rstrip("/")


def is_protected(url: str) -> bool:
    """Whether nobody on the way can change what an address answers: https, or this machine itself."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def _issuer(text: str) -> str:
    parts = urlsplit(text)
    if text and (not is_protected(text) or parts.query or parts.fragment or parts.username is not None):
        raise ValueError("an address such as https://login.example.org; http only for a provider on this machine")
    # Not a slash is taken away or added: an issuer is compared letter by letter.
    return text


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _algorithms(text: str) -> frozenset[str]:
    names = _names(text)
    if not names or not names <= set(_ALGORITHMS):
        raise ValueError(f"some of {', '.join(_ALGORITHMS)}, with commas between them")
    return names


def _skew(text: str) -> timedelta:
    if not text.isdecimal() or int(text) > _LARGEST_SKEW:
        raise ValueError(f"a number of seconds up to {_LARGEST_SKEW}")
    return timedelta(seconds=int(text))


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("yes or no")
    return text == "yes"


def _secret(text: str) -> str:
    if text and len(text) < _SHORTEST_SECRET:
        raise ValueError(f"at least {_SHORTEST_SECRET} characters")
    return text


def _networks(text: str) -> str:
    listed = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return ",".join(str(ip_network(part)) if "/" in part else str(ip_network(part)[0]) for part in listed)
    except ValueError:
        raise ValueError("addresses or networks such as 10.0.0.7, 10.1.0.0/16, divided by commas") from None


SETTINGS = {
    "host": Setting("BILLING_HOST", "The address to listen on.", "127.0.0.1", str),
    "port": Setting("BILLING_PORT", "The port to listen on; 0 picks a free one.", "8000", _port),
    "home": Setting("BILLING_HOME", "The folder of the embedded PostgreSQL and of files.", ".billing", Path),
    "demo_password": Setting(
        "BILLING_DEMO_PASSWORD", "The password of the five demo users; without it one is made up and printed.", "", str
    ),
    "database_url": Setting(
        "DATABASE_URL", "The owner's address of a PostgreSQL ≥ 16, instead of the embedded one.", "", _address
    ),
    "session_idle_minutes": Setting(
        "BILLING_SESSION_IDLE_MINUTES", "A session unused for so long ends.", "30", _positive
    ),
    "session_hours": Setting("BILLING_SESSION_HOURS", "A session ends after so long in any case.", "12", _positive),
    "trusted_proxies": Setting(
        "BILLING_TRUSTED_PROXIES",
        "The addresses of proxies that are believed when they say by X-Forwarded-For and X-Forwarded-Proto who asks and how.",
        "",
        _networks,
    ),
    "oidc_issuer": Setting(
        "BILLING_OIDC_ISSUER",
        "The OpenID Connect provider whose tokens are accepted beside our own, spelt as in its discovery document.",
        "",
        _issuer,
    ),
    "oidc_audience": Setting(
        "BILLING_OIDC_AUDIENCE", "Whom its tokens must be made out to (`aud`); needed with an issuer.", "", str
    ),
    "oidc_clients": Setting(
        "BILLING_OIDC_CLIENTS",
        "The clients to which its tokens may have been given (`azp` or `client_id`), with commas between them; "
        "without it any, but for a token of several audiences only the audience itself.",
        "",
        _names,
    ),
    "oidc_algorithms": Setting(
        "BILLING_OIDC_ALGORITHMS",
        "How its tokens may be signed, with commas between the names; only pairs of keys, no shared secret.",
        "RS256,PS256,ES256,EdDSA",
        _algorithms,
    ),
    "oidc_skew": Setting(
        "BILLING_OIDC_SKEW_SECONDS", "How far the provider's clock may be from ours; up to 300.", "60", _skew
    ),
    "oidc_email": Setting(
        "BILLING_OIDC_EMAIL",
        "yes: a user without a subject is found by a verified e-mail, and gets the token's subject then; "
        "no: by subject alone.",
        "yes",
        _yes,
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
        "BILLING_API_TOKEN_DAYS", "A token for a program is good for so many days at most.", "365", _positive
    ),
    "public_url": Setting(
        "BILLING_PUBLIC_URL",
        "Where clients reach the server, for links to files; without it, where each request says that it came.",
        "",
        _web,
    ),
    "secret_key": Setting(
        "BILLING_SECRET_KEY",
        "Signs links to files, encrypts second factors; without it one is made up and kept in BILLING_HOME. "
        "Servers that use one DATABASE_URL and do not share that folder must be given the same.",
        "",
        _secret,
    ),
    "storage_url": Setting(
        "BILLING_STORAGE_URL",
        "The S3-compatible store of files, as s3://bucket/prefix, instead of a folder in BILLING_HOME.",
        "",
        _store,
    ),
    "storage_endpoint": Setting(
        "BILLING_STORAGE_ENDPOINT", "The address of that store, when it is not Amazon's own.", "", _web
    ),
    "storage_region": Setting("BILLING_STORAGE_REGION", "The region of that store.", "", str),
    "storage_access_key": Setting(
        "BILLING_STORAGE_ACCESS_KEY", "The access key to that store; without it, what the host is given.", "", str
    ),
    "storage_secret_key": Setting("BILLING_STORAGE_SECRET_KEY", "The secret that belongs to it.", "", str),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process; their meaning stands in SETTINGS."""

    host: str
    port: int
    home: Path
    demo_password: str
    database_url: str
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
    return settings


def _read(setting: Setting, said: Mapping[str, str]) -> Any:
    try:
        return setting.read(said.get(setting.variable) or setting.default)
    except ValueError as error:
        raise SettingError(f"{setting.variable} is wrong: expected is {error}") from error
