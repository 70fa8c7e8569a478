"""What each role that is not billing staff sees, written by hand from the access table: type, then its members."""

PAGE = "edges nodes pageInfo totalCount"
PAGED = "first after last before"
FILTERED = f"filter {PAGED}"

# What people do by a one-time link, whether they are signed in or not.
_LINKS = "acceptInvitation(input) requestPasswordReset(input) resetPassword(input) removeLostSecondFactor(input)"
ANONYMOUS = {
    "AcceptInvitationInput": "token password secondFactorCode",
    "AcceptInvitationPayload": "email clinicName errors",
    "Clinic": "id name shortName timeZone",
    "DateTime": "",
    "ErrorCode": "INVALID_INPUT",
    "InputReason": (
        "BLANK TOO_LONG TOO_SHORT TOO_LOW TOO_HIGH IN_THE_PAST IN_THE_FUTURE BAD_FORMAT CODE_NEEDED WRONG_CREDENTIALS RULE"
    ),
    "InvalidInput": "message code path reason limit",
    "Mutation": f"signIn(input) {_LINKS}",
    "OneTimeLinkPayload": "isChanged errors",
    "Query": "viewer",
    "RemoveLostSecondFactorInput": "token password",
    "RequestPasswordResetInput": "email",
    # The same for every e-mail.
    "RequestPasswordResetPayload": "isRequested",
    "ResetPasswordInput": "token password",
    "Role": "ADMIN BILLING PHYSICIAN ATTORNEY ANALYST",
    "SignInInput": "email password clinic secondFactorCode",
    "SecondFactorEnrolment": "secret otpauthUrl",
    "SignInPayload": "token expiresAt viewer clinics enrolment recoveryCodes errors",
    "UserError": "message code path",
    "Viewer": "id email name role clinic",
}

_FILE_BEGINS = "id status format fileName contentType rowCount rowsWritten byteSize sha256 billedTotal"
_FILE_ENDS = "downloadUrl expiresAt createdAt failure kind filter columns"
# Everyone changes the own login: its password, its second factor, and the clinics in which it has accounts.
_OWN = (
    "changePassword(input) extendSession revokeSession(input) switchClinic(input) joinLogins(input) "
    "enrolSecondFactor(input) confirmSecondFactor(input) renewRecoveryCodes(input) removeSecondFactor(input)"
)
_SIGNED_IN = {
    **ANONYMOUS,
    "ConfirmSecondFactorInput": "code",
    "Conflict": "message code path",
    "EnrolSecondFactorPayload": "secret otpauthUrl errors",
    "JoinLoginsInput": "password otherClinic otherPassword secondFactorCode",
    "JoinLoginsPayload": "joined errors",
    "Membership": "clinic role",
    "PasswordInput": "password",
    "RecoveryCodesPayload": "recoveryCodes errors",
    "SecondFactor": "isActive recoveryCodesLeft",
    "SecondFactorPayload": "isChanged errors",
    "SwitchClinicInput": "clinic",
    "Date": "",
    "ChangePasswordInput": "oldPassword newPassword",
    "ChangePasswordPayload": "changed errors",
    "Direction": "ASC DESC",
    "ErrorCode": "INVALID_INPUT NOT_FOUND CONFLICT",
    "CancelExportInput": "exportId",
    "Export": f"{_FILE_BEGINS} {_FILE_ENDS}",
    "ExportConnection": PAGE,
    "ExportEdge": "cursor node",
    "ExportFormat": "CSV XLSX",
    "ExportInvoicesInput": "format filter columns byteOrderMark",
    "ExportKind": "INVOICES",
    "ExportPayload": "export isWorkerRunning errors",
    "ExportStatus": "QUEUED RUNNING READY FAILED EXPIRED",
    "Facility": "id name",
    "InvoiceConnection": f"{PAGE} sums",
    "InvoiceSums": "billed",
    "InvoiceEdge": "cursor node",
    "InvoiceLine": "cptCode label units bilateral amount",
    "InvoiceListEvent": "invoiceId leaves invoice",
    "InvoiceOrder": "field direction",
    "InvoiceStatus": "PENDING_INVOICE PENDING_REDUCTION PENDING_CHEQUE CHEQUE_RECEIVED PAID VOID WRITTEN_OFF",
    "Money": "",
    "Mutation": f"exportInvoices(input) cancelExport(input) {_OWN} signIn(input) signOut {_LINKS}",
    "Node": "id",
    "NotFound": "message code path",
    "EnumLabels": "name values",
    "ValueLabel": "value label",
    "ExtendSessionPayload": "session errors",
    "OwnSession": "id kind name begunAt lastUsedAt expiresAt isCurrent idleExpiresAt",
    "SessionEnding": "endsAt",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "Payer": "id name",
    "Physician": "id name",
    "RevokeSessionInput": "sessionId",
    "RevokeSessionPayload": "revoked errors",
    "SessionKind": "SESSION API_TOKEN",
    "SignOutPayload": "signedOut errors",
    "Subscription": "invoiceChanged(filter) invoiceEvents(filter) exportProgress(id) sessionEnding",
    "Viewer": f"{ANONYMOUS['Viewer']} sessions idleMinutes memberships secondFactor",
}

_INVOICE = "id number status createdOn serviceDate case patient payer physician facility lines billedAmount"
_DAYS = "createdFrom createdTo serviceFrom serviceTo"
_FILES = "export(id) exports(first after) labels"
_ROOTS = f"viewer node(id) nodes(ids) invoice(id) invoiceByNumber(number) invoices(filter orderBy {PAGED})"

_BOTH = {
    **_SIGNED_IN,
    "Case": "id number patient dateOfInjury",
    "CaseConnection": PAGE,
    "CaseEdge": "cursor node",
    "CaseFilter": "patientId search",
    "Invoice": _INVOICE,
    "InvoiceFilter": f"status payerId physicianId facilityId caseId patientId {_DAYS} billedMin billedMax search",
    "InvoiceOrderField": "CREATED_ON SERVICE_DATE NUMBER BILLED_AMOUNT",
    "Patient": "id name firstName lastName",
    "PatientConnection": PAGE,
    "PatientEdge": "cursor node",
    "PatientFilter": "search",
    "Query": f"{_ROOTS} case(id) patient(id) cases({FILTERED}) patients({FILTERED}) {_FILES}",
}

_DOCUMENT_KINDS = (
    "INVOICE ITEMISED_STATEMENT PAYOFF_LETTER LIEN_NOTICE LIEN_RELEASE BILLING_AFFIDAVIT PATIENT_STATEMENT GOOD_FAITH_ESTIMATE "
    "LETTER_OF_PROTECTION W9 EXPLANATION_OF_BENEFITS AUTHORIZATION DISBURSEMENT_SHEET"
)
ATTORNEY = {
    **_BOTH,
    # Documents that were delivered to the own law firm, and these deliveries; nothing of what they state but the file itself.
    "Case": "id number patient status dateOfInjury invoices(filter orderBy first after last before) documents billedTotal",
    "CaseFilter": "status patientId search",
    "CaseStatus": "OPEN SETTLED CLOSED",
    "DeliveryMethod": "EMAIL MAIL CERTIFIED_MAIL FAX PORTAL HAND",
    "DocumentDelivery": "id method deliveredAt",
    "IssuedDocument": "id kind number issuedAt downloadUrl deliveries",
    "IssuedDocumentConnection": PAGE,
    "IssuedDocumentEdge": "cursor node",
    "IssuedDocumentFilter": "kind issuedFrom issuedBefore",
    "IssuedDocumentKind": _DOCUMENT_KINDS,
    "IssuedDocumentOrder": "field direction",
    "IssuedDocumentOrderField": "ISSUED_AT NUMBER",
    "Query": f"{_BOTH['Query'].removesuffix(_FILES)}issuedDocuments(filter orderBy {PAGED}) {_FILES}",
}

PHYSICIAN = {
    **_BOTH,
    "Case": f"{_BOTH['Case']} encounters invoices(filter orderBy first after last before) billedTotal",
    "Encounter": "id status version case patient physician facility serviceDate recordedAt exams billed",
    "EncounterConnection": PAGE,
    "EncounterEdge": "cursor node",
    "EncounterFilter": "status billed caseId patientId physicianId facilityId serviceFrom serviceTo",
    "EncounterOrder": "field direction",
    "EncounterOrderField": "SERVICE_DATE RECORDED_AT",
    "EncounterStatus": "RECORDED CANCELLED",
    "CancelEncounterInput": "encounterId reason version idempotencyKey",
    # They correct their own visits, and hear when somebody else has.
    "ErrorCode": "STALE_VERSION INVALID_INPUT NOT_FOUND CONFLICT",
    "StaleVersion": "message code path currentVersion",
    "EncounterExam": "examType bilateral units",
    "EncounterPayload": "encounter errors",
    "ExamLineInput": "examTypeId bilateral units",
    "ExamType": "id name code selectionRule position active parent subExams(activeOnly)",
    "InvoiceLineInput": "code units bilateral",
    "Mutation": f"recordEncounter(input) updateEncounter(input) cancelEncounter(input) {_BOTH['Mutation']}",
    "Patient": "id name firstName lastName mrn birthDate phone email address",
    "PriceQuote": "total",
    "PriceQuoteInput": "payerId facilityId serviceDate lines examLines",
    "PriceQuotePayload": "quote errors",
    "Query": f"{_BOTH['Query'].removesuffix(_FILES)}encounters(filter orderBy {PAGED}) examTypes(activeOnly) "
    f"priceQuote(input) analytics(filter asOf restated) {_FILES}",
    # Their own work only, and no received amounts.
    "Analytics": "physicianProductivity",
    "AnalyticsFilter": "from to payerId physicianId facilityId",
    "PhysicianProductivity": "physician encounterCount examCount invoiceCount billed averageInvoice",
    "RecordEncounterInput": "caseId facilityId serviceDate exams idempotencyKey",
    "UpdateEncounterInput": "encounterId facilityId serviceDate exams version idempotencyKey",
    "SelectionRule": "ANY EXACTLY_ONE AT_LEAST_ONE",
}

# Contractual adjustments and recoveries are sums over many invoices, as what is received is.
_MEASURED = "invoiceCount billed received contractual recovered collectionRate netCollectionRate reductionRate daysInAr denialRate"
# Of what became of denials, the sums over many invoices of the whole clinic, by reason code; no denial of an invoice.
ANALYST = {
    **_SIGNED_IN,
    "AgingBasis": "CREATED SERVICE",
    "AgingBucketTotal": "bucket risk fromDays toDays invoiceCount outstanding",
    "AgingReport": "asOf isRestated basis buckets invoiceCount outstanding",
    "Analytics": f"""{_MEASURED[: _MEASURED.index("denialRate")]}arDays denialRate firstPassRate arOver90
        physicianProductivity agingByPayer reductionsByPayer amountsByCoverageKind denialsByReason documentsByKind trend""".replace(
        "\n       ", ""
    ),
    "AnalyticsFilter": "from to payerId physicianId facilityId",
    "CountRatio": "value numerator denominator",
    # Sums over many invoices of the whole clinic, by kind; no coverage of a case.
    "CoverageKind": "PIP MEDPAY HEALTH LIABILITY UM_UIM WORKERS_COMP LETTER_OF_PROTECTION PATIENT",
    "CoverageKindAmounts": "coverageKind isRemainder invoiceCount billed received reducedAmount contractual outstanding",
    "DaysInAr": "mean median invoiceCount",
    "DenialRatio": "value numerator denominator",
    # Numbers of the issued documents of the whole clinic, by kind; no document.
    "DocumentKindCounts": "kind issued withdrawn delivered",
    "IssuedDocumentKind": _DOCUMENT_KINDS,
    "MonthlyAnalytics": f"month {_MEASURED} firstPassRate",
    "ReasonDenials": """reasonCode isRemainder invoiceCount denialCount appeals appealRate overturnRate
        recoveredAfterDenial""".replace("\n       ", ""),
    "PayerAging": "payer buckets invoiceCount outstanding medianDaysToPay",
    "PayerGroupAging": "payer buckets invoiceCount outstanding medianDaysToPay",
    "PayerGroupAgingConnection": PAGE,
    "PayerGroupAgingEdge": "cursor node",
    "PayerReduction": "payer invoiceCount reductionRate",
    "PhysicianProductivity": "physician encounterCount examCount invoiceCount billed averageInvoice received",
    "Ratio": "value numerator denominator",
    "ReportFilter": "payerId physicianId facilityId",
    "AgingBucket": "DAYS_0_30 DAYS_31_60 DAYS_61_90 DAYS_91_120 DAYS_121_PLUS",
    "AgingRisk": "LOW MODERATE HIGH VERY_HIGH CRITICAL",
    "Case": "id",
    "Export": f"{_FILE_BEGINS} receivedTotal {_FILE_ENDS}",
    "CptCode": "id code label",
    "CptCodeConnection": PAGE,
    "CptCodeEdge": "cursor node",
    "CptCodeFilter": "code",
    "FacilityConnection": PAGE,
    "FacilityEdge": "cursor node",
    "InvoiceSums": "billed received balance",
    "Invoice": f"{_INVOICE} agreedAmount receivedAmount writtenOffAmount balance ageDays agingBucket risk",
    "InvoiceFilter": f"status agingBucket payerId physicianId facilityId caseId patientId {_DAYS} billedMin billedMax",
    "InvoiceOrderField": "CREATED_ON SERVICE_DATE NUMBER BILLED_AMOUNT BALANCE AGE",
    "Patient": "id",
    "PayerConnection": PAGE,
    "PayerEdge": "cursor node",
    "PhysicianConnection": PAGE,
    "PhysicianEdge": "cursor node",
    "Query": f"{_ROOTS} payers({PAGED}) physicians({PAGED}) facilities({PAGED}) cptCodes({FILTERED}) "
    "aging(filter asOf restated basis) agingByPayer(filter asOf restated basis) "
    "agingByPayerPage(filter asOf restated basis patientsSeparately first after) analytics(filter asOf restated) "
    + _FILES,
}
