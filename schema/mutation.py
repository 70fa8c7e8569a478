"""The mutation type of the schema: all mutations, each with its access rule."""

from typing import Any

import strawberry
from strawberry.tools import merge_types

from schema.access.clinics import ClinicMutations
from schema.access.own_account import OwnMutations
from schema.access.second_factor import SecondFactorMutations
from schema.access.sessions import ApiTokenMutations
from schema.access.sign_in import SignInMutations
from schema.access.users import UserMutations
from schema.billing.cases import CaseMutations
from schema.billing.coverages import CoverageMutations
from schema.billing.invoice_mutations import CreationMutations, NoteMutations
from schema.billing.negotiation import DenialMutations
from schema.billing.patients import PatientMutations
from schema.billing.payers import PayerMutations
from schema.billing.representations import RepresentationMutations
from schema.billing.transitions import TransitionMutations
from schema.bulk.steps import BulkStepMutations, SelectionMutations
from schema.documents.mutations import DocumentMutations, DrawingMutations
from schema.payments.deposits import DepositMutations
from schema.payments.recoupment import RecoupmentMutations
from schema.payments.remittance_mutations import ImportRemittanceMutations, RemittanceMutations
from schema.records.attorneys import AttorneyMutations
from schema.records.cpt_codes import CptCodeMutations
from schema.records.encounters import EncounterMutations
from schema.records.exam_types import ExamTypeMutations
from schema.records.facilities import FacilityMutations
from schema.records.fee_schedules import FeeScheduleMutations
from schema.records.firms import FirmMutations
from schema.records.import_mappings import ImportMappingMutations
from schema.records.imports import ImportMutations
from schema.records.merges import MergeMutations
from schema.records.physicians import PhysicianMutations
from schema.records.reason_codes import ReasonCodeMutations
from schema.records.uploads import UploadMutations
from schema.reminders.confirmations import DryRunMutations, ReminderConfirmationMutations
from schema.reminders.outbound_messages import OutboundMessageMutations
from schema.reminders.policies import ReminderPolicyMutations, ReminderTemplateMutations
from schema.reminders.reminders import HoldMutations, ReminderMutations
from schema.reminders.suppressed_addresses import SuppressedAddressMutations
from schema.reports.exports import ExportMutations

# The mutations of commands, many of them generated from tables.
_GENERATED = (
    TransitionMutations,
    AttorneyMutations,
    FirmMutations,
    MergeMutations,
    PhysicianMutations,
    FacilityMutations,
    PatientMutations,
    PayerMutations,
    CptCodeMutations,
    ExamTypeMutations,
    ReasonCodeMutations,
    FeeScheduleMutations,
    CaseMutations,
    CoverageMutations,
    RepresentationMutations,
    UploadMutations,
    CreationMutations,
    DenialMutations,
    DepositMutations,
    RemittanceMutations,
    RecoupmentMutations,
    NoteMutations,
    BulkStepMutations,
    HoldMutations,
    ReminderMutations,
    ReminderPolicyMutations,
    ReminderConfirmationMutations,
    SuppressedAddressMutations,
    OutboundMessageMutations,
    EncounterMutations,
    DocumentMutations,
)
Generated: Any = merge_types("Generated", _GENERATED)


@strawberry.type(description="The mutations of the API.")
class Mutation(
    Generated,  # type: ignore[misc]
    ReminderTemplateMutations,
    ImportMappingMutations,
    ImportMutations,
    ImportRemittanceMutations,
    ExportMutations,
    DrawingMutations,
    DryRunMutations,
    SelectionMutations,
    ClinicMutations,
    UserMutations,
    ApiTokenMutations,
    OwnMutations,
    SecondFactorMutations,
    SignInMutations,
):
    """All mutations."""
