"""The SQL of user accounts, their sessions and their API tokens."""

from sqlalchemy import Text, Uuid, and_, func, literal, select

from db import tables
from db.fields.base import Expression, Join, One, Order, Pages, View, by_id, name_of, owned, plain
from db.global_ids import id_expression
from db.row import Row
from domain.access.tokens import SessionKind

# Ids sort by creation time.
_NEWEST_FIRST = Order(lambda s: s.id, Uuid(), descending=True)


def _of_kind(kind: SessionKind) -> Join:
    def on(u: Row, s: Row) -> Expression:
        return owned("user_id")(u, s) & (s.kind == literal(kind.value, literal_execute=True))

    return on


def _open_until(u: Row) -> Expression:
    """When the open invitation to an account expires."""
    i = u.scope.row(tables.invitations)
    is_open = and_(owned("user_id")(u, i), i.accepted_at.is_(None), i.revoked_at.is_(None))
    return select(func.max(i.expires_at)).select_from(i.source).where(is_open).scalar_subquery()


USER = View(
    tables.users,
    {
        "id": lambda u: id_expression("User", u.id),
        **plain("name", "email", "active", createdAt="recorded_at", joinedAt="joined_at"),
        "invitationExpiresAt": _open_until,
        "role": name_of("role"),
        "attorney": One("Attorney", by_id("attorney_id")),
        "physician": One("Physician", by_id("physician_id")),
        "sessions": Pages("Session", _of_kind(SessionKind.SESSION)),
        "apiTokens": Pages("ApiToken", _of_kind(SessionKind.API_TOKEN)),
    },
    order=Order(lambda u: u.email, Text(collation="C")),
    listed_as="users",
)

SESSION = View(
    tables.sessions,
    {
        "id": lambda s: id_expression("Session", s.id),
        **plain("last_used_at", "expires_at", "revoked_at", begunAt="recorded_at"),
    },
    order=_NEWEST_FIRST,
)

API_TOKEN = View(
    tables.sessions,
    {
        "id": lambda s: id_expression("ApiToken", s.id),
        **plain("name", "last_used_at", "expires_at", "revoked_at", createdAt="recorded_at"),
    },
    order=_NEWEST_FIRST,
)
