"""The mutation type of the schema: all mutations, each with its access rule."""

from typing import Annotated, Any

import strawberry
from strawberry import Info
from strawberry.tools import merge_types

from permissions.actions import ACTIONS
from permissions.classes import argument, mutation
from resolvers.commands.access import sign_in as sessions
from schema.access.own_account import OwnMutations
from schema.access.second_factor import SecondFactorMutations
from schema.access.sessions import ApiTokenMutations
from schema.access.users import SignInInput, SignInPayload, SignOutPayload, UserMutations
from schema.billing.cases import CaseMutations
from schema.billing.invoice_mutations import CreationMutations, NoteMutations
from schema.billing.patients import PatientMutations
from schema.billing.payers import PayerMutations
from schema.billing.transitions import TransitionMutations
from schema.errors import user_errors
from schema.query import present
from schema.records.attorneys import AttorneyMutations
from schema.records.cpt_codes import CptCodeMutations
from schema.records.encounters import EncounterMutations
from schema.records.exam_types import ExamTypeMutations
from schema.records.facilities import FacilityMutations
from schema.records.fee_schedules import FeeScheduleMutations
from schema.records.imports import ImportMutations
from schema.records.physicians import PhysicianMutations
from schema.records.uploads import UploadMutations
from schema.reminders.outbound_messages import OutboundMessageMutations
from schema.reminders.policies import ReminderPolicyMutations, ReminderTemplateMutations
from schema.reminders.reminders import HoldMutations, ReminderMutations
from schema.reports.exports import ExportMutations

# The mutations of commands, many of them generated from tables.
_GENERATED = (
    TransitionMutations,
    AttorneyMutations,
    PhysicianMutations,
    FacilityMutations,
    PatientMutations,
    PayerMutations,
    CptCodeMutations,
    ExamTypeMutations,
    FeeScheduleMutations,
    CaseMutations,
    UploadMutations,
    CreationMutations,
    NoteMutations,
    HoldMutations,
    ReminderMutations,
    ReminderPolicyMutations,
    OutboundMessageMutations,
    EncounterMutations,
)
Generated: Any = merge_types("Generated", _GENERATED)


@strawberry.type(description="The mutations of the API.")
class Mutation(
    Generated,  # type: ignore[misc]
    ReminderTemplateMutations,
    ImportMutations,
    ExportMutations,
    UserMutations,
    ApiTokenMutations,
    OwnMutations,
    SecondFactorMutations,
):
    @mutation("public", "Sign in with e-mail and password, and with a code if the account has a second factor.")
    async def sign_in(
        self, info: Info, input: Annotated[SignInInput, argument("The credentials for signing in.", "public")]
    ) -> SignInPayload:
        signed_in, refusals = await sessions.sign_in(
            info, input.email, input.password, input.clinic or None, input.second_factor_code or None
        )
        if signed_in is None:
            return SignInPayload(token=None, expires_at=None, viewer=None, errors=user_errors(refusals))
        token, expires_at, viewer = signed_in
        return SignInPayload(token=token, expires_at=expires_at, viewer=present(viewer), errors=[])

    @mutation(ACTIONS["sign_out"], "Sign out. The session ends at once.")
    async def sign_out(self, info: Info) -> SignOutPayload:
        await sessions.sign_out(info)
        return SignOutPayload(signed_out=True, errors=[])
