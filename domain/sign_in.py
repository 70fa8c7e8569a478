"""Decides what somebody who wants to sign in says, in which words it is refused, and how many failures lock it for how long."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from domain.texts import can_be_kept

# One answer for a wrong password, an unknown e-mail, an account that is closed and a sign-in that is locked.
REFUSED = "The e-mail or the password is wrong"
CODE_NEEDED = "The code of the second factor is needed"
CODE_WRONG = "The code is wrong, or it was used already"

# Longer than any address that mail reaches (RFC 5321), and than any password that somebody keeps: neither is looked at.
LONGEST_EMAIL, LONGEST_PASSWORD = 254, 1_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody says who wants to sign in, and from which network address."""

    email: str
    password: str
    clinic: str | None = None
    code: str | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """So many failures within `window` refuse whatever follows for as long as it `lasts`."""

    failures: int
    window: timedelta
    lasts: timedelta


_QUARTER = timedelta(minutes=15)
# What failures are counted by → the lock. Decision 7 says why there are these two and no other.
LOCKS: Mapping[str, Lock] = {
    # An e-mail from one address: whoever guesses from elsewhere does not lock out the person whose e-mail it is.
    "pair": Lock(10, _QUARTER, _QUARTER),
    # An e-mail from all addresses together, but those at which it has signed in lately: guessing by many machines.
    "email": Lock(100, _QUARTER, _QUARTER),
}
# For so long an address at which somebody signed in is known to be theirs.
KNOWN_FOR = timedelta(days=30)
# Whoever has one IPv6 address has all of its network.
_IPV6_NETWORK = 64


def plain_email(text: str) -> str | None:
    """An e-mail as accounts keep it; None for what is nobody's, because it is too long or no database could hold it."""
    return text.lower() if len(text) <= LONGEST_EMAIL and can_be_kept(text) else None


def plain_name(text: str | None) -> str | None:
    """A clinic's short name as it can be compared; one that no database could hold is no clinic's, like an empty one."""
    return text if text is None or can_be_kept(text) else ""


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the network of an IPv6 address, however it is spelled.

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
