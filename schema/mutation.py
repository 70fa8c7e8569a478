"""Decides what can be done, and by whom."""

from typing import Annotated

import strawberry
from strawberry import Info

from permissions.actions import ACTIONS
from permissions.classes import done, takes
from resolvers import sign_in as sessions
from schema.api_token_steps import ApiTokenSteps
from schema.attorney_steps import AttorneySteps
from schema.case_steps import CaseSteps
from schema.cheque_steps import ChequeSteps
from schema.cpt_code_steps import CptCodeSteps
from schema.encounter_steps import EncounterSteps
from schema.exam_type_steps import ExamTypeSteps
from schema.export_steps import ExportSteps
from schema.facility_steps import FacilitySteps
from schema.fee_schedule_steps import FeeScheduleSteps
from schema.hold_steps import HoldSteps
from schema.import_steps import ImportSteps
from schema.invoice_steps import CreationSteps, NoteSteps
from schema.outbound_message_steps import OutboundMessageSteps
from schema.own_steps import OwnSteps
from schema.patient_steps import PatientSteps
from schema.payer_steps import PayerSteps
from schema.payloads import told
from schema.physician_steps import PhysicianSteps
from schema.query import present
from schema.reminder_policy_steps import ReminderPolicySteps
from schema.reminder_steps import ReminderSteps
from schema.reminder_template_steps import ReminderTemplateSteps
from schema.second_factor import SecondFactorSteps
from schema.transitions import InvoiceSteps
from schema.uploads import UploadSteps
from schema.user_steps import UserSteps
from schema.users import SignInInput, SignInPayload, SignOutPayload


@strawberry.type(description="What can be done.")
class Mutation(
    InvoiceSteps,  # type: ignore[misc]  # Made from the rows of TRANSITIONS.
    ChequeSteps,
    CaseSteps,
    UploadSteps,
    CreationSteps,
    NoteSteps,
    HoldSteps,
    ReminderSteps,
    ReminderTemplateSteps,
    ReminderPolicySteps,
    OutboundMessageSteps,
    PatientSteps,
    PayerSteps,
    AttorneySteps,
    PhysicianSteps,
    FacilitySteps,
    EncounterSteps,
    CptCodeSteps,
    ExamTypeSteps,
    FeeScheduleSteps,
    ImportSteps,
    ExportSteps,
    UserSteps,
    ApiTokenSteps,
    OwnSteps,
    SecondFactorSteps,
):
    @done("public", "Sign in with e-mail and password, and a code where the account asks for one.")
    async def sign_in(
        self, info: Info, input: Annotated[SignInInput, takes("What signs somebody in.", "public")]
    ) -> SignInPayload:
        signed_in, refusals = await sessions.sign_in(
            info, input.email, input.password, input.clinic or None, input.second_factor_code or None
        )
        if signed_in is None:
            return SignInPayload(token=None, expires_at=None, viewer=None, errors=told(refusals))
        token, expires_at, viewer = signed_in
        return SignInPayload(token=token, expires_at=expires_at, viewer=present(viewer), errors=[])

    @done(ACTIONS["sign_out"], "Sign out: the token ends at once.")
    async def sign_out(self, info: Info) -> SignOutPayload:
        await sessions.sign_out(info)
        return SignOutPayload(signed_out=True, errors=[])
