"""Parsers of the values of settings: each returns the value of a text, or raises ValueError with what is expected."""

import json
import re
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from identity.oidc.provider import is_protected

_ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519 Ed448".split()
_LARGEST_SKEW = 300
_LARGEST_PORT, _LARGEST_COUNT, _LARGEST_TIME = 65535, 1_000_000_000, 100_000
_WHOLE = re.compile(r"[0-9]{1,10}")
_SHORTEST_SECRET = 32
APPS = frozenset({"console"})
# A host that is a name or an address, and no port that browsers leave out.
_ORIGIN = re.compile(r"(?!http:.*:80$|https:.*:443$)https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?")


def _whole(text: str, smallest: int, largest: int, expected: str) -> int:
    if not _WHOLE.fullmatch(text) or not smallest <= int(text) <= largest:
        raise ValueError(expected)
    return int(text)


def port_number(text: str) -> int:
    """A port number; 0 is any free port."""
    return _whole(text, 0, _LARGEST_PORT, f"a number from 0 (any free port) to {_LARGEST_PORT}")


def positive(text: str) -> int:
    """A whole number above 0, of minutes, hours or days that a calendar can count."""
    return _whole(text, 1, _LARGEST_TIME, f"a whole number from 1 to {_LARGEST_TIME:,}")


def count(text: str) -> int:
    """A whole number."""
    return _whole(text, 0, _LARGEST_COUNT, f"a whole number up to {_LARGEST_COUNT:,}; 0 for no limit")


def log_level(text: str) -> str:
    """A log level."""
    if text not in ("debug", "info", "warning", "error"):
        raise ValueError("debug, info, warning or error")
    return text


def database_address(text: str) -> str:
    """A PostgreSQL URL, or empty."""
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("an address such as postgresql://user:password@host:5432/database")
    return text


def store_address(text: str) -> str:
    """The URL of an S3-compatible store, or empty."""
    parts = urlsplit(text)
    if text and (parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment):
        raise ValueError("an address such as s3://bucket/prefix")
    return text


def web_address(text: str) -> str:
    """An http or https URL without a trailing slash, or empty."""
    if text and not (text.startswith(("http://", "https://")) and urlsplit(text).netloc):
        raise ValueError("an address such as https://billing.example.org")
    return text.rstrip("/")


def origins(text: str) -> frozenset[str]:
    """A comma-separated list of origins of web pages, exactly as browsers send them."""
    found = names(text)
    for origin in found:
        parts = urlsplit(origin)
        is_exact = (
            origin == f"{parts.scheme}://{parts.netloc}" and origin == origin.lower() and _ORIGIN.fullmatch(origin)
        )
        if not is_exact or not is_protected(origin):
            raise ValueError(
                "origins such as https://app.example.org, separated by commas: without path, wildcard or default port, and http only "
                "for pages of this machine"
            )
    return found


def app_names(text: str) -> frozenset[str]:
    """A comma-separated list of web apps; none stands for no app."""
    found = names(text) - {"none"}
    if not found <= APPS:
        raise ValueError(f"none, or one of {', '.join(sorted(APPS))}, separated by commas")
    return found


def issuer(text: str) -> str:
    """An OpenID Connect issuer, or empty."""
    parts = urlsplit(text)
    if text and (not is_protected(text) or parts.query or parts.fragment or parts.username is not None):
        raise ValueError("an address such as https://login.example.org; http only for a provider on this machine")
    # The text stays as it is, slashes included: an issuer is compared character by character.
    return text


def names(text: str) -> frozenset[str]:
    """A comma-separated list of names."""
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def algorithms(text: str) -> frozenset[str]:
    """A comma-separated list of signature algorithms."""
    chosen = names(text)
    if not chosen or not chosen <= set(_ALGORITHMS):
        raise ValueError(f"some of {', '.join(_ALGORITHMS)}, separated by commas")
    return chosen


def skew(text: str) -> timedelta:
    """A clock skew of at most 300 seconds."""
    return timedelta(seconds=_whole(text, 0, _LARGEST_SKEW, f"a number of seconds up to {_LARGEST_SKEW}"))


def yes_or_no(text: str) -> bool:
    """True for yes, False for no."""
    if text not in ("yes", "no"):
        raise ValueError("yes or no")
    return text == "yes"


def mail_security(text: str) -> str:
    """The transport security of the mail server."""
    if text not in ("starttls", "tls", "none"):
        raise ValueError("starttls, tls or none")
    return text


def mailbox(text: str) -> str:
    """An e-mail address."""
    if not re.fullmatch(r"[!-?A-~]+@[A-Za-z0-9.-]+", text):
        raise ValueError("an e-mail address such as billing@clinic.example")
    return text


def optional_mailbox(text: str) -> str:
    """An e-mail address, or empty."""
    return mailbox(text) if text else ""


def secret(text: str) -> str:
    """A secret of at least 32 characters, or empty."""
    if text and len(text) < _SHORTEST_SECRET:
        raise ValueError(f"at least {_SHORTEST_SECRET} characters")
    return text


def secret_list(text: str) -> tuple[str, ...]:
    """Secrets of at least 32 characters each: a comma-separated list or, for secrets with commas, a JSON list of texts."""
    expected = f"keys of at least {_SHORTEST_SECRET} characters each, separated by commas or as a JSON list"
    listed: Any = [part.strip() for part in text.split(",") if part.strip()]
    if text.startswith("["):
        try:
            listed = json.loads(text)
        except ValueError:
            # The message of the parser would show a part of the text.
            raise ValueError(expected) from None
    if not all(isinstance(part, str) and len(part) >= _SHORTEST_SECRET for part in listed):
        raise ValueError(expected)
    return tuple(listed)


def networks(text: str) -> str:
    """A comma-separated list of IP addresses and networks."""
    listed = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return ",".join(str(ip_network(part)) if "/" in part else str(ip_network(part)[0]) for part in listed)
    except ValueError:
        raise ValueError("addresses or networks such as 10.0.0.7, 10.1.0.0/16, separated by commas") from None
