"""Decides how types name each other across files without importing each other."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from schema.attorneys import Attorney
    from schema.cases import Case
    from schema.cheques import ChequeAllocation
    from schema.encounters import Encounter
    from schema.exam_types import ExamType
    from schema.invoices import Invoice
    from schema.patients import Patient
    from schema.payers import Payer

AttorneyRef = Annotated["Attorney", strawberry.lazy("schema.attorneys")]
CaseRef = Annotated["Case", strawberry.lazy("schema.cases")]
ChequeAllocationRef = Annotated["ChequeAllocation", strawberry.lazy("schema.cheques")]
EncounterRef = Annotated["Encounter", strawberry.lazy("schema.encounters")]
ExamTypeRef = Annotated["ExamType", strawberry.lazy("schema.exam_types")]
InvoiceRef = Annotated["Invoice", strawberry.lazy("schema.invoices")]
PatientRef = Annotated["Patient", strawberry.lazy("schema.patients")]
PayerRef = Annotated["Payer", strawberry.lazy("schema.payers")]
