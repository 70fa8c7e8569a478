"""The bearers of signed URLs that tests make by themselves, each with a session in the database as the server would have begun it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.access.signed_urls import Bearer
from domain.ids import new_id
from identity.sessions import VIEWER
from server.database_urls import DatabaseUrls
from tests.support.databases import rows

_BEGIN = """insert into sessions (clinic_id, id, user_id, token_hash, kind, last_used_at, expires_at)
    select clinic_id, $2::uuid, id, sha256(uuid_send($2::uuid)), 'session', now(), now() + interval '1 hour' from users where id = $1"""
_FIND = f"select {VIEWER} from users u join clinics c using (clinic_id) where u.id = $1"


def bearer_with_session(address: DatabaseUrls, user_id: UUID, expires_at: datetime | None = None) -> Bearer:
    """A user as the bearer of signed URLs, in a new session; they expire in five minutes by default."""
    session_id = new_id(datetime.now(UTC))
    rows(address, _BEGIN, user_id, session_id)
    [viewer] = rows(address, _FIND, user_id)
    expires_at = expires_at or datetime.now(UTC) + timedelta(minutes=5)
    return Bearer(viewer["clinic_id"], user_id, session_id, viewer["access_stamp"], expires_at)
