"""The rules of sign-in: its input, its error messages, and the lockout after repeated failures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from domain.texts import can_be_kept, email_address

# One message for a wrong password, an unknown e-mail, an inactive account and a lockout, so that it reveals none of them.
REFUSED = "The e-mail or the password is wrong"
CODE_NEEDED = "The code of the second factor is needed"
CODE_WRONG = "The code is wrong, or it was used already"
# What only those learn who know the password.
CLINIC_NEEDED = "Choose the clinic: there are accounts in several"
NO_ACCOUNT = "There is no account in this clinic"
SECOND_FACTOR_NEEDED = "This clinic asks for a second factor: add it to an authenticator app, and sign in with a code"

# The longest e-mail address (RFC 5321), and more than any password in use: longer input is refused without a lookup.
LONGEST_EMAIL, LONGEST_PASSWORD = 254, 1_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """The credentials of one sign-in attempt, and the network address that it comes from."""

    email: str
    password: str
    clinic: str | None = None
    code: str | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lockout: after this many failures within `window`, every further attempt is refused for as long as it `lasts`."""

    failures: int
    window: timedelta
    lasts: timedelta


_QUARTER = timedelta(minutes=15)
# What failures are counted by → the lockout. Decision 7 says why there are these two and no other.
LOCKS: Mapping[str, Lock] = {
    # An e-mail from one address: guesses from another address do not lock out the owner of the account.
    "pair": Lock(10, _QUARTER, _QUARTER),
    # An e-mail from all addresses except those of recent successful sign-ins: guesses from many machines.
    "email": Lock(100, _QUARTER, _QUARTER),
}
# Requests for a link to a new password → the limit: more send nothing.
LINKS: Mapping[str, Lock] = {
    "link to an e-mail": Lock(5, timedelta(hours=1), timedelta(hours=1)),
    "link asked for from an address": Lock(50, timedelta(hours=1), timedelta(hours=1)),
}
# For how long after a successful sign-in an address counts as the user's own.
KNOWN_FOR = timedelta(days=30)
# A client with one IPv6 address usually controls its whole /64 network.
_IPV6_NETWORK = 64


def plain_email(text: str) -> str | None:
    """An e-mail as logins store it; None for one that no login can have: too long, or no valid database text.

    One that is not valid is looked up as well: logins made before addresses were checked still sign in.
    """
    if len(text) > LONGEST_EMAIL or not can_be_kept(text):
        return None
    try:
        return email_address(text).lower()
    except ValueError:
        return text.lower()


def counted_email(text: str) -> str:
    """An e-mail as attempts are counted: all spellings that mean the same login are counted together."""
    return plain_email(text) or text.lower()


def plain_name(text: str | None) -> str | None:
    """A clinic's short name for comparison; empty, which no clinic has, for one that is no valid database text."""
    return text if text is None or can_be_kept(text) else ""


def network_of(address: str) -> str:
    """What the lockout counts as one address: an IPv4 address, or the /64 network of an IPv6 address, in normal form.

    >>> network_of("2001:db8::1"), network_of("::ffff:192.0.2.1")
    ('2001:db8::/64', '192.0.2.1')
    """
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((int(found), _IPV6_NETWORK), strict=False))
    return str(found)
