"""Decides what is known of somebody who is signed in."""

from dataclasses import dataclass
from uuid import UUID

from domain.people import Role


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody signed in: one role in one clinic; `person_id` is the attorney or physician that the user is."""

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
    # Whether a token for programs stands for the user, which reads and does nothing else.
    is_api_token: bool = False
