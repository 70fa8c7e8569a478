"""An example of every mutation that creates or changes records, which a permitted user may run."""

from typing import Any

from tests.support.api.records import Ids

_DAY = "2026-03-02"
_LINES = [{"code": "A4556"}]


def _case_input(ids: Ids) -> dict[str, Any]:
    return {"caseId": ids["Case"], "payerId": ids["Payer"], "serviceDate": _DAY, "lines": _LINES}


def _many(ids: Ids, **same: Any) -> dict[str, Any]:
    return {"invoiceIds": [ids["Invoice"]], "idempotencyKey": "many", **same}


# Mutation → its payload's selection, the type of the record that it names, and an input that is valid for a permitted user.
STAFF: dict[str, tuple[str, str, Any]] = {
    "createInvoice": ("invoice { id }", "Case", _case_input),
    "replaceInvoiceLines": ("invoice { id }", "Invoice", lambda ids: {"invoiceId": ids["Invoice"], "lines": _LINES}),
    "setNegotiationLimits": (
        "invoice { id }",
        "Invoice",
        lambda ids: {"invoiceId": ids["Invoice"], "floorAmount": "1"},
    ),
    "addInternalNote": ("invoice { id }", "Invoice", lambda ids: {"invoiceId": ids["Invoice"], "body": "Mind this"}),
    "submitInvoices": (
        "outcomes { isDone }",
        "",
        lambda ids: _many(ids, submittedOn="2026-06-30", method="MAIL"),
    ),
    "selectInvoices": ("selection { count }", "", lambda ids: {"filter": {"caseId": [ids["Case"]]}}),
    "addInternalNotes": ("outcomes { isDone }", "", lambda ids: _many(ids, body="Mind these")),
    "scheduleReminders": ("outcomes { isDone }", "", lambda ids: _many(ids, targetDate="2035-01-01", subject="Call")),
    "placeHolds": ("outcomes { isDone }", "", lambda ids: _many(ids, untilOn="2035-01-01", reason="They wait")),
    "createDeposit": (
        "deposit { id }",
        "Cheque",
        lambda ids: {"bankAccount": "Operating", "depositedOn": "2026-06-30", "chequeIds": [ids["Cheque"]]},
    ),
    "depositCheques": (
        "deposit { id }",
        "Deposit",
        lambda ids: {"depositId": ids["Deposit"], "chequeIds": [ids["OtherCheque"]]},
    ),
    "recordRecoupmentRequest": (
        "recoupmentRequest { id }",
        "Payer",
        lambda ids: {
            "payerId": ids["Payer"],
            "amount": "1.00",
            "reason": "Paid twice",
            "requestedOn": "2026-06-30",
            "dueOn": "2035-01-01",
        },
    ),
    "answerRecoupmentRequest": (
        "recoupmentRequest { id }",
        "RecoupmentRequest",
        lambda ids: {"requestId": ids["RecoupmentRequest"], "step": "APPEAL"},
    ),
    "recordRemittance": (
        "remittance { id }",
        "Payer",
        lambda ids: {
            "payerId": ids["Payer"],
            "method": "ACH",
            "number": "INTEREST-1",
            "amount": "1.00",
            "receivedOn": "2026-06-30",
            "claims": [],
            "providerAdjustments": [{"code": "L6", "amount": "-1.00"}],
        },
    ),
    "identifyRemittancePayer": (
        "remittance { id }",
        "RemittancePayment",
        lambda ids: {"paymentId": ids["RemittancePayment"], "payerId": ids["Payer"]},
    ),
    "matchRemittanceClaim": (
        "remittanceClaim { id }",
        "RemittanceClaim",
        lambda ids: {"claimId": ids["RemittanceClaim"], "invoiceId": ids["Invoice"]},
    ),
    "closeRemittanceClaim": (
        "remittanceClaim { id }",
        "RemittanceClaim",
        lambda ids: {"claimId": ids["RemittanceClaim"], "reason": "Not ours"},
    ),
    "previewDocument": (
        "preview { pageCount }",
        "Invoice",
        lambda ids: {"kind": "INVOICE", "invoiceIds": [ids["Invoice"]]},
    ),
    "issueDocument": (
        "issuedDocument { id }",
        "Invoice",
        lambda ids: {"kind": "INVOICE", "invoiceIds": [ids["Invoice"]]},
    ),
    "recordDocument": (
        "issuedDocument { id }",
        "Case",
        lambda ids: {
            "caseId": ids["Case"],
            "kind": "W9",
            # Without an upload of the user it names one that does not exist.
            "documentId": ids.get("SentFile", ids["Case"]),
            "datedOn": "2026-06-01",
            "correspondent": "Somebody",
        },
    ),
    "deliverDocument": (
        "issuedDocument { id }",
        "IssuedDocument",
        lambda ids: {"issuedDocumentId": ids["IssuedDocument"], "method": "HAND", "recipient": "Somebody"},
    ),
    "recordExecution": (
        "issuedDocument { id }",
        "IssuedDocument",
        lambda ids: {"issuedDocumentId": ids["IssuedDocument"], "executedOn": "2026-06-02"},
    ),
    "withdrawDocument": (
        "issuedDocument { id }",
        "IssuedDocument",
        lambda ids: {"issuedDocumentId": ids["IssuedDocument"], "reason": "Not needed"},
    ),
    "saveDocumentTemplate": (
        "documentTemplate { id }",
        "",
        lambda ids: {"kind": "INVOICE", "texts": [{"name": "closing", "text": "Thank you"}]},
    ),
    "clearCheque": ("cheque { id }", "Cheque", lambda ids: {"chequeId": ids["Cheque"], "clearedOn": "2026-07-01"}),
    # The code of the scenarios, which is then the only one that can be recorded.
    "createReasonCode": ("reasonCode { id }", "", lambda ids: {"code": "X1", "label": "Our words", "group": "CO"}),
    "updateReasonCode": (
        "reasonCode { id }",
        "ReasonCode",
        lambda ids: {"reasonCodeId": ids["ReasonCode"], "label": "Other words"},
    ),
    "retireReasonCode": ("reasonCode { id }", "ReasonCode", lambda ids: {"reasonCodeId": ids["ReasonCode"]}),
    "appealDenial": (
        "denial { id }",
        "Denial",
        lambda ids: {"denialId": ids["Denial"], "appealedOn": "2026-06-30"},
    ),
    "closeDenial": (
        "denial { id }",
        "Denial",
        lambda ids: {"denialId": ids["Denial"], "outcome": "OVERTURNED", "closedOn": "2026-06-30"},
    ),
    "placeHold": (
        "hold { id }",
        "Payer",
        lambda ids: {"payerId": ids["Payer"], "untilOn": "2035-01-01", "reason": "Wait"},
    ),
    "releaseHold": ("hold { id }", "Hold", lambda ids: {"holdId": ids["Hold"]}),
    "scheduleReminder": (
        "reminder { id }",
        "Invoice",
        lambda ids: {"invoiceId": ids["Invoice"], "targetDate": "2035-01-01", "subject": "Call them"},
    ),
    "updateReminder": (
        "reminder { id }",
        "Reminder",
        lambda ids: {"reminderId": ids["Reminder"], "subject": "Call them again"},
    ),
    "completeReminder": (
        "reminder { id }",
        "Reminder",
        lambda ids: {"reminderId": ids["Reminder"], "outcome": "Called them"},
    ),
    "cancelReminder": ("reminder { id }", "Reminder", lambda ids: {"reminderId": ids["Reminder"]}),
    "saveReminderTemplate": (
        "reminderTemplate { id }",
        "",
        lambda ids: {"name": "Viewed", "subject": "Open", "body": "{{ invoices }}"},
    ),
    "previewReminderTemplate": (
        "message { body }",
        "Invoice",
        lambda ids: {"invoiceId": ids["Invoice"], "subject": "Open", "body": "{{ invoices }}"},
    ),
    "saveReminderPolicy": (
        "reminderPolicy { id }",
        "ReminderPolicy",
        lambda ids: {
            "reminderPolicyId": ids["ReminderPolicy"],
            "name": "Viewed",
            "active": False,
            "levels": [
                {
                    "afterDays": 9,
                    "inStatus": "PENDING_INVOICE",
                    "reminderTemplateId": ids["ReminderTemplate"],
                    "recipient": "PAYER",
                }
            ],
        },
    ),
    "previewReminders": ("dryRun { token }", "", lambda ids: {}),
    "stopReminders": ("reminderConfirmation { id }", "", lambda ids: {}),
    "suppressAddress": ("suppressedAddress { id }", "", lambda ids: {"email": "viewer@firm.example"}),
    "allowAddress": ("suppressedAddress { id }", "", lambda ids: {"email": "quiet@firm.example"}),
    "resendMessage": (
        "outboundMessage { id }",
        "OutboundMessage",
        lambda ids: {"outboundMessageId": ids["OutboundMessage"]},
    ),
    "createCase": ("case { id }", "Patient", lambda ids: {"patientId": ids["Patient"], "dateOfInjury": _DAY}),
    "updateCase": ("case { id }", "Case", lambda ids: {"caseId": ids["Case"], "openedOn": "2026-06-30"}),
    "assignAttorney": ("case { id }", "Case", lambda ids: {"caseId": ids["Case"], "attorneyId": None}),
    "addCoverage": (
        "coverage { id }",
        "Case",
        lambda ids: {"caseId": ids["Case"], "payerId": ids["Payer"], "kind": "LIABILITY"},
    ),
    "updateCoverage": (
        "coverage { id }",
        "Coverage",
        lambda ids: {"coverageId": ids["Coverage"], "version": 1, "claimNumber": "CLM-1"},
    ),
    "verifyCoverage": ("coverage { id }", "Coverage", lambda ids: {"coverageId": ids["Coverage"]}),
    "closeCoverage": (
        "coverage { id }",
        "Coverage",
        lambda ids: {"coverageId": ids["Coverage"], "status": "EXHAUSTED"},
    ),
    "cancelAttorneyChange": ("case { id }", "Case", lambda ids: {"caseId": ids["Case"]}),
    "transferFromFormerFirm": (
        "case { id }",
        "Case",
        lambda ids: {"caseId": ids["Case"], "payerId": ids["Payer"], "keepAgreements": False},
    ),
    "createFirm": ("firm { id }", "", lambda ids: {"name": "Viewed & Viewed"}),
    "updateFirm": ("firm { id }", "Firm", lambda ids: {"firmId": ids["Firm"], "phone": "555-0100"}),
    "retireFirm": ("firm { id }", "Firm", lambda ids: {"firmId": ids["Firm"]}),
    "createPatient": (
        "patient { id }",
        "",
        lambda ids: {"firstName": "Pat", "lastName": "Smith", "mrn": "MRN-VIEWERS"},
    ),
    "updatePatient": ("patient { id }", "Patient", lambda ids: {"patientId": ids["Patient"], "phone": "555-0100"}),
    "retirePatient": ("patient { id }", "Patient", lambda ids: {"patientId": ids["Patient"]}),
    "createPayer": ("payer { id }", "", lambda ids: {"name": "Some payer", "kind": "INSURANCE"}),
    "updatePayer": ("payer { id }", "Payer", lambda ids: {"payerId": ids["Payer"], "phone": "555-0100"}),
    "retirePayer": ("payer { id }", "Payer", lambda ids: {"payerId": ids["Payer"]}),
    "createAttorney": ("attorney { id }", "", lambda ids: {"name": "Al Viewer", "firm": "Viewer & Viewer"}),
    "updateAttorney": ("attorney { id }", "Attorney", lambda ids: {"attorneyId": ids["Attorney"], "phone": "555-0100"}),
    "retireAttorney": ("attorney { id }", "Attorney", lambda ids: {"attorneyId": ids["Attorney"]}),
}
ADMINISTRATION: dict[str, tuple[str, str, Any]] = {
    "createPhysician": ("physician { id }", "", lambda ids: {"name": "Dr. Viewer"}),
    "updatePhysician": (
        "physician { id }",
        "Physician",
        lambda ids: {"physicianId": ids["Physician"], "name": "Dr. No"},
    ),
    "retirePhysician": ("physician { id }", "Physician", lambda ids: {"physicianId": ids["Physician"]}),
    "createFacility": ("facility { id }", "", lambda ids: {"name": "Viewer's place"}),
    "updateFacility": ("facility { id }", "Facility", lambda ids: {"facilityId": ids["Facility"], "name": "Nowhere"}),
    "refundCheque": (
        "cheque { id }",
        "Cheque",
        lambda ids: {
            "chequeId": ids["Cheque"],
            "amount": "1.00",
            "payee": "Al Viewer",
            "reason": "Paid twice",
            "refundedOn": "2026-06-30",
            "method": "PAPER",
        },
    ),
    "returnRefund": (
        "cheque { id }",
        "Refund",
        lambda ids: {"refundId": ids["Refund"], "returnedOn": "2026-07-01", "reason": "Unknown address"},
    ),
    "coverRefund": (
        "cheque { id }",
        "Refund",
        lambda ids: {"refundId": ids["Refund"], "chequeId": ids["OtherCheque"], "reason": "Paid back"},
    ),
    "giveUpRefund": (
        "cheque { id }",
        "Refund",
        lambda ids: {"refundId": ids["Refund"], "reason": "The insurer is insolvent"},
    ),
    "updateClinic": ("clinic { id }", "", lambda ids: {"phone": "(555) 555-0100"}),
    "createUser": (
        "user { id }",
        "",
        lambda ids: {"email": "viewer@demo.example", "name": "Al Viewer", "role": "ANALYST"},
    ),
    "updateUser": ("user { id }", "User", lambda ids: {"userId": ids["User"], "name": "Al Viewer"}),
    "inviteUserAgain": ("user { id }", "User", lambda ids: {"userId": ids["User"]}),
    "createApiToken": ("apiToken { id }", "User", lambda ids: {"userId": ids["User"], "name": "Reports"}),
    "revokeApiToken": ("apiToken { id }", "ApiToken", lambda ids: {"apiTokenId": ids["ApiToken"]}),
    "retireFacility": ("facility { id }", "Facility", lambda ids: {"facilityId": ids["Facility"]}),
    "mergePatients": (
        "merge { id }",
        "Patient",
        lambda ids: {"mergedId": ids["Patient"], "survivingId": ids["OtherPatient"]},
    ),
    "mergePayers": (
        "merge { id }",
        "Payer",
        lambda ids: {"mergedId": ids["Payer"], "survivingId": ids["OtherPayer"]},
    ),
    "undoMerge": ("merge { id }", "Merge", lambda ids: {"mergeId": ids["Merge"]}),
}
EXAMPLES = STAFF | ADMINISTRATION
