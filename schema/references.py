"""Lazy references between GraphQL types in different files, without circular imports."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from schema.access.users import User
    from schema.billing.cases import Case
    from schema.billing.coverages import Coverage, ExpectedPayment
    from schema.billing.invoices import Invoice
    from schema.billing.patients import Patient
    from schema.billing.payers import Payer
    from schema.billing.representations import AttorneyChange, Representation
    from schema.documents.issued import IssuedDocument
    from schema.payments.cheques import Cheque, ChequeAllocation
    from schema.payments.deposits import Deposit
    from schema.payments.recoupment import ProviderAdjustment, RecoupmentRequest
    from schema.payments.refunds import Refund
    from schema.payments.remittances import Remittance
    from schema.records.encounters import Encounter
    from schema.records.exam_types import ExamType
    from schema.records.firms import Firm

AttorneyChangeRef = Annotated["AttorneyChange", strawberry.lazy("schema.billing.representations")]
CaseRef = Annotated["Case", strawberry.lazy("schema.billing.cases")]
ChequeRef = Annotated["Cheque", strawberry.lazy("schema.payments.cheques")]
ChequeAllocationRef = Annotated["ChequeAllocation", strawberry.lazy("schema.payments.cheques")]
CoverageRef = Annotated["Coverage", strawberry.lazy("schema.billing.coverages")]
ExpectedPaymentRef = Annotated["ExpectedPayment", strawberry.lazy("schema.billing.coverages")]
DepositRef = Annotated["Deposit", strawberry.lazy("schema.payments.deposits")]
EncounterRef = Annotated["Encounter", strawberry.lazy("schema.records.encounters")]
ExamTypeRef = Annotated["ExamType", strawberry.lazy("schema.records.exam_types")]
FirmRef = Annotated["Firm", strawberry.lazy("schema.records.firms")]
InvoiceRef = Annotated["Invoice", strawberry.lazy("schema.billing.invoices")]
IssuedDocumentRef = Annotated["IssuedDocument", strawberry.lazy("schema.documents.issued")]
PatientRef = Annotated["Patient", strawberry.lazy("schema.billing.patients")]
PayerRef = Annotated["Payer", strawberry.lazy("schema.billing.payers")]
RemittanceRef = Annotated["Remittance", strawberry.lazy("schema.payments.remittances")]
ProviderAdjustmentRef = Annotated["ProviderAdjustment", strawberry.lazy("schema.payments.recoupment")]
RecoupmentRequestRef = Annotated["RecoupmentRequest", strawberry.lazy("schema.payments.recoupment")]
RefundRef = Annotated["Refund", strawberry.lazy("schema.payments.refunds")]
RepresentationRef = Annotated["Representation", strawberry.lazy("schema.billing.representations")]
UserRef = Annotated["User", strawberry.lazy("schema.access.users")]
