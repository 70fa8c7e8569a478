"""The context of a compiled read (viewer, clock, signed URLs), and of a request, which is available to every resolver."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from db.audit.log_writer import write_at_once
from db.notifications import Notifications
from db.pools import Database
from domain.access.signed_urls import LIFETIMES, Bearer, UrlSigner, signer_of
from domain.audit import ANONYMOUS, AuditEvent
from domain.clinics import clinic_day
from domain.clock import Clock, now
from domain.ids import new_id
from identity.login_commands import LoginCommands
from identity.sessions import Sessions
from permissions.viewers import Viewer
from resolvers.audit_record import REFUSED, AuditRecord
from storage.blobs import BlobStore

# Takes over an audit event; raises an error if it cannot be stored, so that no response is sent.
WriteAuditEvent = Callable[[AuditEvent], None]


def _discard(event: AuditEvent) -> None:
    """Discards the audit events of requests that are answered without a server."""


@dataclass(slots=True)
class ReadContext:
    """What the parameters of a compiled read depend on: the viewer, the clinic's current day, and the signer of URLs."""

    viewer: Viewer | None
    # The key for signed URLs, and the public address of the server: empty where no URL is created, as in an export.
    link_key: bytes = field(default=b"", kw_only=True)
    find_base_url: Callable[[], str] = field(default=str, kw_only=True)
    clock: Clock = field(default=now, kw_only=True)
    _url_signers: dict[str, UrlSigner] = field(default_factory=dict, kw_only=True)

    @property
    def today(self) -> date:
        """The calendar day in the viewer's clinic, not in UTC."""
        return clinic_day(self.clock(), self.viewer.time_zone if self.viewer else "UTC")

    @property
    def has_signed_urls(self) -> bool:
        """Whether the read has signed URLs, so that its answer has secrets."""
        return bool(self._url_signers)

    def url_signer(self, kind: str) -> UrlSigner:
        """The signer of signed URLs of a kind for the viewer; the same for the whole read."""
        assert self.viewer is not None
        assert self.link_key, "signed URLs need a key"
        if kind not in self._url_signers:
            self._url_signers[kind] = signer_of(self.link_key, kind, self._bearer(self.viewer, kind))
        return self._url_signers[kind]

    def _bearer(self, viewer: Viewer, kind: str) -> Bearer:
        expires_at = self.clock() + LIFETIMES[kind]
        if viewer.session_ends_at:
            expires_at = min(expires_at, viewer.session_ends_at)
        return Bearer(viewer.clinic_id, viewer.user_id, viewer.session_id, viewer.access_stamp, expires_at)


@dataclass(slots=True)
class RequestContext(ReadContext):
    """The context of one request."""

    database: Database
    # None where signing out is not offered.
    sessions: Sessions | None
    request_id: str
    # None where signing in is not offered.
    logins: LoginCommands | None = field(default=None, kw_only=True)
    address: str = field(default="", kw_only=True)
    # The client's span in which this request was made (W3C traceparent).
    trace_parent: str | None = field(default=None, kw_only=True)
    # None where subscriptions are not offered.
    changes: Notifications | None = field(default=None, kw_only=True)
    # The recorder of reads for the audit log; None where nothing is audited, as in a benchmark.
    keep: WriteAuditEvent | None = field(default=_discard, kw_only=True)
    # None where uploads are not offered.
    store: BlobStore | None = field(default=None, kw_only=True)
    audit: AuditRecord = field(default_factory=AuditRecord, kw_only=True)

    async def note(self, operation: str, viewers: Iterable[Viewer], *, is_refused: bool) -> None:
        """Write audit events before the answer, for users who are not, or not yet, the viewer of this request."""
        events = [self._event(operation, viewer, is_refused=is_refused) for viewer in viewers]
        self.audit.written = operation if events else self.audit.written
        await self._write(events)

    async def note_elsewhere(self, operation: str, accounts: Iterable[Viewer]) -> None:
        """Write an audit event for each other account of the viewer's login, whose sign-in an operation has changed, too."""
        others = [one for one in accounts if self.viewer is None or one.user_id != self.viewer.user_id]
        await self._write([self._event(operation, one, is_refused=False) for one in others])

    async def note_unknown(self, operation: str, clinic_id: UUID) -> None:
        """Write the audit event of a sign-in attempt without an account; what was typed is not kept, it may be a password."""
        self.audit.written = operation
        moment, words = self.clock(), f"{operation} {REFUSED}"
        await self._write([AuditEvent(new_id(moment), clinic_id, None, ANONYMOUS, words, moment, self.request_id)])

    def _event(self, operation: str, viewer: Viewer, *, is_refused: bool) -> AuditEvent:
        return AuditRecord([operation], is_refused=is_refused).event(viewer, self.clock(), self.request_id)

    async def _write(self, events: Sequence[AuditEvent]) -> None:
        if self.keep is not None and events:
            await write_at_once(self.database, events, self.keep)

    def write_audit_record(self) -> None:
        """Hand over the reads of this operation so far; raises an error if they cannot be stored."""
        if self.keep is not None and self.viewer is not None and self.audit.operations:
            self.keep(self.audit.event(self.viewer, self.clock(), self.request_id))
