"""Decides what every resolver can reach: who asks, the database, the clinic's day."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from db.pools import Database
from domain.audit import AuditEvent
from domain.clinics import clinic_day
from domain.links import LIFETIMES, Bearer, Seal, seal
from domain.sign_in import Attempt
from permissions.viewers import Viewer
from resolvers.trail import Trail

Clock = Callable[[], datetime]
# Takes over an event of the audit trail; raises when it cannot be kept, so that nothing is answered.
Keep = Callable[[AuditEvent], None]


def now() -> datetime:
    """The moment it is."""
    return datetime.now(UTC)


def _nobody_keeps(event: AuditEvent) -> None:
    """The events of requests that are answered without a server go nowhere."""


class Sessions(Protocol):
    """Signing out, as the server does it."""

    async def sign_out(self, viewer: Viewer) -> None:
        """End the session of a viewer."""


@dataclass(frozen=True, slots=True)
class OwnSession:
    """One place where a viewer is signed in, or one token of theirs; the token itself is known to nobody."""

    id: UUID
    kind: str
    name: str | None
    recorded_at: datetime
    last_used_at: datetime | None
    expires_at: datetime
    is_current: bool


class OwnAccount(Protocol):
    """What everybody does with their own account, and what hashes passwords, as the server does it."""

    @property
    def longest_token(self) -> timedelta:
        """How long a token for programs is good at most."""

    async def hash_password(self, password: str) -> str:
        """What is kept of a password."""

    async def change_password(self, viewer: Viewer, old: str, new: str, address: str) -> None:
        """Another password, by which every other session ends; a Refusal says why not. `address` is the client's."""

    async def list_sessions(self, viewer: Viewer) -> list[OwnSession]:
        """Where the viewer is signed in now."""

    async def end_session(self, viewer: Viewer, session_id: UUID) -> None:
        """End one of the viewer's own sessions; NotFound when it is not theirs."""

    def forget(self, identity: UUID) -> None:
        """Believe nothing any more of a session or a user that has ended or changed."""


class SignIns(Protocol):
    """Signing in, and what makes it safer, as the server does it; each refuses in words for a person."""

    async def sign_in(self, attempt: Attempt, meant: Callable[[Viewer], None]) -> tuple[str, datetime, Viewer]:
        """(token, expires at, viewer); `meant` hears whose account it is, whether they get in or not."""

    async def enrol(self, viewer: Viewer, password: str, address: str) -> Any:
        """The secret of a second factor, and its address for a QR code."""

    async def confirm(self, viewer: Viewer, code: str) -> None:
        """Have signing in ask for a code from now on."""

    async def remove(self, viewer: Viewer, password: str, address: str) -> None:
        """Have signing in ask for no code any more."""

    async def reset(self, clinic_id: UUID, user_id: UUID) -> None:
        """Take away the second factor of somebody who has lost it."""


class Changes(Protocol):
    """Hearing of what any server process has written."""

    def of_invoices(self, clinic_id: UUID, names: frozenset[str]) -> AbstractAsyncContextManager[AsyncIterator[UUID]]:
        """The ids of a clinic's invoices as soon as something of these columns or tables has changed of them.

        The iterator ends with an error where changes may have been missed.
        """

    def of_any(
        self, clinic_id: UUID, names: frozenset[str]
    ) -> AbstractAsyncContextManager[Callable[[float], Awaitable[None]]]:
        """What waits until something with one of these names has changed of a clinic's invoices, or so many seconds are over.

        However much has changed meanwhile, it is told once. It ends likewise.
        """

    def of_export(self, clinic_id: UUID, export_id: UUID) -> AbstractAsyncContextManager[AsyncIterator[UUID]]:
        """The id of a file that was asked for, as soon as its building has come further; ends likewise."""


class Store(Protocol):
    """Reading files that were sent, as the server keeps them."""

    async def open(self, key: str) -> tuple[int, AsyncIterator[bytes]]:
        """How many bytes a file has, and the bytes."""


@dataclass(slots=True)
class RequestContext:
    """What belongs to one request."""

    viewer: Viewer | None
    database: Database
    # Where nobody signs out there are none.
    sessions: Sessions | None
    request_id: str
    # With what links are signed, and where clients reach the server: asked only when a link is made.
    link_key: bytes = field(kw_only=True)
    find_base_url: Callable[[], str] = field(kw_only=True)
    # Where nobody signs in there is no need for either.
    sign_ins: SignIns | None = field(default=None, kw_only=True)
    address: str = field(default="", kw_only=True)
    # Under which span of the client's own this request was made (W3C traceparent).
    trace_parent: str | None = field(default=None, kw_only=True)
    # Where nobody subscribes there is nothing to hear by.
    changes: Changes | None = field(default=None, kw_only=True)
    # Who keeps what is read for the audit trail; None where nothing is audited, as in a benchmark.
    keep: Keep | None = field(default=_nobody_keeps, kw_only=True)
    own_account: OwnAccount | None = field(default=None, kw_only=True)
    # Where no file is sent there is none to read.
    store: Store | None = field(default=None, kw_only=True)
    clock: Clock = now
    trail: Trail = field(default_factory=Trail, kw_only=True)
    _seals: dict[str, Seal] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The calendar day in the viewer's clinic; nobody's day is UTC's."""
        return clinic_day(self.clock(), self.viewer.time_zone if self.viewer else "UTC")

    def seal(self, kind: str) -> Seal:
        """What signs the links of a kind for the viewer; the same for the whole request."""
        assert self.viewer is not None
        if kind not in self._seals:
            bearer = Bearer(self.viewer.clinic_id, self.viewer.user_id, self.clock() + LIFETIMES[kind])
            self._seals[kind] = seal(self.link_key, kind, bearer)
        return self._seals[kind]

    def note(self, operation: str, viewer: Viewer, *, is_refused: bool) -> None:
        """Have the audit trail say at once what somebody did who is not, or not yet, the viewer of this request."""
        self.trail.written = operation
        if self.keep is not None:
            self.keep(Trail([operation], is_refused=is_refused).event(viewer, self.clock(), self.request_id))

    def keep_trail(self) -> None:
        """Hand over what this operation has read so far; raises when it cannot be kept."""
        if self.keep is not None and self.viewer is not None and self.trail.operations:
            self.keep(self.trail.event(self.viewer, self.clock(), self.request_id))
