"""The viewer: the signed-in user on whose behalf a request runs."""

from dataclasses import dataclass
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
