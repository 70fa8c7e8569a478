"""GraphQL types of the viewer, who is the signed-in person in one clinic, and of the person's other accounts."""

import strawberry
from strawberry import Info

from db.global_ids import make_id
from permissions import viewers
from permissions.classes import output_field, query_field
from resolvers.commands.access import own_account
from resolvers.commands.access.accounts import logins_of
from schema.access.sessions import OwnSession, present_own
from schema.enums import Role


@strawberry.type(description="A clinic; each clinic is a tenant with its own data.")
class Clinic:
    id: strawberry.ID = output_field("public", "The clinic's id.")
    name: str = output_field("public", "The clinic's name.")
    short_name: str = output_field("public", "The short name that identifies the clinic when signing in.")
    time_zone: str = output_field(
        "public", "The IANA time zone of the clinic; it defines when the clinic's days begin and end."
    )


@strawberry.type(description="An account of the signed-in person in a clinic.")
class Membership:
    clinic: Clinic = output_field("oneself", "The clinic.")
    role: Role = output_field("oneself", "The role of the account.")


@strawberry.type(description="The second factor of the signed-in person, which all accounts of the person share.")
class SecondFactor:
    is_active: bool = output_field("oneself", "Whether a code is needed to sign in.")
    recovery_codes_left: int = output_field("oneself", "How many recovery codes have not been used.")


@strawberry.type(description="The signed-in account.")
class Viewer:
    id: strawberry.ID = output_field("public", "The id of the account.")
    email: str = output_field("public", "The e-mail with which the account signs in.")
    name: str = output_field("public", "The person's name.")
    role: Role = output_field("public", "The role of the account.")
    clinic: Clinic = output_field("public", "The clinic to which the account belongs.")

    @query_field("oneself", "The valid sessions and API tokens of the account, newest first.")
    async def sessions(self, info: Info) -> list[OwnSession]:
        return [present_own(one) for one in await own_account.list_sessions(info)]

    @query_field("oneself", "The idle timeout of a session: after how many minutes without a request it ends.")
    def idle_minutes(self, info: Info) -> int:
        return int(logins_of(info).own.idle.total_seconds() // 60)

    @query_field("oneself", "All accounts of the person, by the clinic's name; this one is among them.")
    async def memberships(self, info: Info) -> list[Membership]:
        found = await logins_of(info).memberships.list_all(info.context.viewer)
        return [Membership(clinic=present_clinic(account), role=account.role) for account in found]

    @query_field("oneself", "The second factor of the person.")
    async def second_factor(self, info: Info) -> SecondFactor:
        state = await logins_of(info).own.second_factor(info.context.viewer)
        return SecondFactor(is_active=state.is_active, recovery_codes_left=state.recovery_codes_left)

    @query_field("administration", "The roles whose users need a second factor to sign in to this clinic.")
    async def second_factor_roles(self, info: Info) -> list[Role]:
        return [Role(role) for role in await logins_of(info).memberships.second_factor_roles(info.context.viewer)]


def present_clinic(viewer: viewers.Viewer) -> Clinic:
    """The clinic of an account as the API presents it."""
    return Clinic(
        id=strawberry.ID(make_id("Clinic", viewer.clinic_id)),
        name=viewer.clinic_name,
        short_name=viewer.clinic_short_name,
        time_zone=viewer.time_zone,
    )


def present(viewer: viewers.Viewer) -> Viewer:
    """An account as the API presents it."""
    return Viewer(
        id=strawberry.ID(make_id("User", viewer.user_id)),
        email=viewer.email,
        name=viewer.name,
        role=viewer.role,
        clinic=present_clinic(viewer),
    )
