"""The viewer: the signed-in user on whose behalf a request runs."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.access.people import Role


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in user: one role in one clinic (the tenant); `person_id` is the linked attorney or physician."""

    clinic_id: UUID
    user_id: UUID
    session_id: UUID
    role: Role
    person_id: UUID | None
    email: str
    name: str
    clinic_short_name: str
    clinic_name: str
    time_zone: str
    # Whether the request has an API token, which is read-only, instead of a session.
    is_api_token: bool = False
    # Changes with the password, the role, and the attorney or physician of the account (domain/access/signed_urls.py).
    access_stamp: bytes = bytes(8)
    # The end of a session that has no row of its own, by a token of an identity provider.
    session_ends_at: datetime | None = None
