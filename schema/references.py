"""Lazy references between GraphQL types in different files, without circular imports."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from schema.access.users import User
    from schema.billing.cases import Case
    from schema.billing.cheques import ChequeAllocation
    from schema.billing.invoices import Invoice
    from schema.billing.patients import Patient
    from schema.billing.payers import Payer
    from schema.records.attorneys import Attorney
    from schema.records.encounters import Encounter
    from schema.records.exam_types import ExamType

AttorneyRef = Annotated["Attorney", strawberry.lazy("schema.records.attorneys")]
CaseRef = Annotated["Case", strawberry.lazy("schema.billing.cases")]
ChequeAllocationRef = Annotated["ChequeAllocation", strawberry.lazy("schema.billing.cheques")]
EncounterRef = Annotated["Encounter", strawberry.lazy("schema.records.encounters")]
ExamTypeRef = Annotated["ExamType", strawberry.lazy("schema.records.exam_types")]
InvoiceRef = Annotated["Invoice", strawberry.lazy("schema.billing.invoices")]
PatientRef = Annotated["Patient", strawberry.lazy("schema.billing.patients")]
PayerRef = Annotated["Payer", strawberry.lazy("schema.billing.payers")]
UserRef = Annotated["User", strawberry.lazy("schema.access.users")]
