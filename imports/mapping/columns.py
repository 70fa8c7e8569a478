"""The columns of each kind of import as a mapping knows them: the form of their values, and the words other systems use for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from domain.imports import CellFormat, ImportKind
from imports.mapping.formats import AMOUNTS, DAYS


class Form(Enum):
    """The form of a column's values, which decides its formats."""

    TEXT = (CellFormat.LAST_FIRST,)
    DAY = DAYS
    AMOUNT = AMOUNTS
    CHOICE = "choice"
    OTHER = "other"

    @property
    def formats(self) -> tuple[CellFormat, ...]:
        """The formats of foreign files that such a column can have."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def formats_in_words(self) -> str:
        """The same for an error message."""
        named = ", ".join(form.name for form in (CellFormat.AS_IS, *self.formats))
        return f"its formats are {named}"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a column: its form, the headers that other systems give it, and words for its values.

    Headers are in normal form, the most telling first.
    """

    form: Form
    headers: tuple[str, ...] = ()
    values: Mapping[str, str] | None = None


_EMAIL = Known(Form.TEXT, ("e_mail", "email_address", "main_email"))
_PHONE = Known(
    Form.TEXT,
    (
        "phone_number",
        "phone_numbers",
        "main_phone",
        "home_phone",
        "cell_phone",
        "mobile",
        "mobile_phone",
        "telephone",
        "business_phone",
    ),
)
_ADDRESS = Known(Form.TEXT, ("mailing_address", "street_address", "billing_address", "bill_to", "street", "address_1"))
_FROM = Known(
    Form.DAY, ("effective_date", "effective_from", "effective", "eff_date", "start_date", "act_eff_dt", "from_date")
)
_TO = Known(Form.DAY, ("end_date", "effective_to", "expiration_date", "term_date", "termination_date"))
_CODE = Known(
    Form.OTHER,
    ("hcpcs", "hcpc", "hcpcs_code", "hcpc_code", "cpt_hcpcs", "procedure_code", "proc_code", "service_code", "code_1"),
)
_MRN = (
    "mrn",
    "patient_id",
    "chart",
    "chart_number",
    "chart_no",
    "medical_record_number",
    "patient_number",
    "account_number",
)
_CASE = ("case", "case_no", "matter_number", "matter", "file_number", "claim_number", "p_o", "po_number")
_ATTORNEY = ("attorney_name", "lawyer", "counsel", "represented_by")
_PAYER = ("payor", "payer_name", "insurance", "insurance_company", "carrier", "customer", "bill_to", "name")
_PHYSICIAN = ("provider", "doctor", "rendering_provider", "provider_name", "treating_physician")
_FACILITY = ("location", "place_of_service", "site", "clinic", "facility_name", "office")
_PAYER_KINDS = {
    "self_pay": "PATIENT",
    "patient": "PATIENT",
    "insurance_company": "INSURANCE",
    "commercial": "INSURANCE",
    "auto": "INSURANCE",
    "attorney_lien": "ATTORNEY",
    "lien": "ATTORNEY",
    "law_firm": "ATTORNEY",
}
_STATES = {
    "open": "PENDING_INVOICE",
    "unpaid": "PENDING_INVOICE",
    "invoice": "PENDING_INVOICE",
    "outstanding": "PENDING_INVOICE",
    "in_negotiation": "PENDING_REDUCTION",
    "settled_awaiting_payment": "PENDING_CHEQUE",
}
_GROUPS = {
    "contractual": "CO",
    "contractual_obligation": "CO",
    "contractual_obligations": "CO",
    "patient": "PR",
    "patient_responsibility": "PR",
    "other": "OA",
    "other_adjustment": "OA",
    "other_adjustments": "OA",
    "payer_initiated": "PI",
    "payer_initiated_reductions": "PI",
}
_BILATERAL = {"150": "ONE_AND_A_HALF", "200": "DOUBLE", "none": "NOT_ALLOWED", "no": "NOT_ALLOWED"}

_RULES = {
    "optional": "ANY",
    "any_number": "ANY",
    "one": "EXACTLY_ONE",
    "single": "EXACTLY_ONE",
    "required": "AT_LEAST_ONE",
}

_SEXES = {"f": "FEMALE", "m": "MALE", "u": "UNKNOWN", "x": "UNKNOWN", "woman": "FEMALE", "man": "MALE"}
_FAX = Known(Form.TEXT, ("fax_number", "facsimile"))
_PARTS = {
    "address_line1": Known(Form.TEXT, ("address_1", "address1", "street", "street_address", "address_line_1")),
    "address_line2": Known(Form.TEXT, ("address_2", "address2", "suite", "unit", "address_line_2")),
    "address_city": Known(Form.TEXT, ("city", "town")),
    "address_state": Known(Form.TEXT, ("state", "st", "province")),
    "address_postal_code": Known(Form.TEXT, ("zip", "zip_code", "zipcode", "postal_code", "postcode")),
}

# Kind → column of its template → what is known of it. A test holds the columns against imports/kinds.
COLUMNS: dict[ImportKind, dict[str, Known]] = {
    ImportKind.CODES: {
        "code": _CODE,
        "label": Known(
            Form.TEXT, ("description", "short_description", "short_desc", "descriptor", "long_description", "name")
        ),
        "base_price": Known(
            Form.AMOUNT,
            ("price", "fee", "charge", "rate", "amount", "gross_charge", "standard_charge_gross", "standard_fee"),
        ),
        "bilateral_policy": Known(Form.CHOICE, ("bilateral", "bilat", "bilateral_surgery"), _BILATERAL),
        "valid_from": _FROM,
        "valid_to": _TO,
    },
    ImportKind.FEE_SCHEDULES: {
        "schedule": Known(Form.TEXT, ("fee_schedule", "schedule_name", "fee_schedule_name")),
        "payer": Known(Form.TEXT, _PAYER),
        "facility": Known(Form.TEXT, _FACILITY),
        "valid_from": _FROM,
        "valid_to": _TO,
        "code": _CODE,
        "rate": Known(
            Form.AMOUNT,
            ("fee", "allowed", "allowed_amount", "price", "amount", "non_facility_price", "non_facility_fee", "charge"),
        ),
    },
    ImportKind.REASON_CODES: {
        "code": Known(
            Form.TEXT,
            ("reason_code", "reason", "carc", "adjustment_reason_code", "claim_adjustment_reason_code", "denial_code"),
        ),
        "group": Known(Form.CHOICE, ("group_code", "adjustment_group", "adjustment_group_code", "cas_group"), _GROUPS),
        "label": Known(Form.TEXT, ("description", "meaning", "short_description", "name", "reason_description")),
    },
    ImportKind.EXAM_TYPES: {
        "name": Known(Form.TEXT, ("exam", "exam_name", "exam_type", "service", "procedure", "description")),
        "parent": Known(Form.TEXT, ("main_exam", "parent_exam", "group", "category", "section")),
        "code": _CODE,
        "selection_rule": Known(Form.CHOICE, ("rule", "selection", "choose"), _RULES),
        "position": Known(Form.OTHER, ("order", "sort_order", "sort", "sequence", "seq")),
    },
    ImportKind.PAYERS: {
        "name": Known(Form.TEXT, (*_PAYER, "company", "company_name", "full_name")),
        "kind": Known(Form.CHOICE, ("payer_type", "type", "customer_type", "category"), _PAYER_KINDS),
        "email": _EMAIL,
        "phone": _PHONE,
        "address": _ADDRESS,
        "fax": _FAX,
        **_PARTS,
        "attorney": Known(Form.TEXT, _ATTORNEY),
        "patient_mrn": Known(Form.TEXT, _MRN),
    },
    ImportKind.ATTORNEYS: {
        "name": Known(Form.TEXT, (*_ATTORNEY, "attorney", "full_name", "contact", "contact_name")),
        "firm": Known(Form.TEXT, ("law_firm", "firm_name", "company", "company_name", "organization")),
        "email": _EMAIL,
        "phone": _PHONE,
    },
    ImportKind.PHYSICIANS: {
        "name": Known(Form.TEXT, ("physician", "physician_name", *_PHYSICIAN, "full_name")),
        "npi": Known(Form.TEXT, ("npi_number", "national_provider_identifier", "individual_npi")),
        "taxonomy": Known(Form.TEXT, ("taxonomy_code", "provider_taxonomy", "specialty_code")),
        "licence_number": Known(Form.TEXT, ("license", "license_number", "licence", "state_license")),
        "licence_state": Known(Form.TEXT, ("license_state", "state_of_license")),
    },
    ImportKind.FACILITIES: {
        "name": Known(Form.TEXT, ("facility", *_FACILITY)),
        "geographic_factor": Known(Form.OTHER, ("gpci", "gaf", "geographic_adjustment_factor", "factor")),
        "npi": Known(Form.TEXT, ("npi_number", "facility_npi", "national_provider_identifier")),
        "place_of_service": Known(Form.TEXT, ("pos", "place_of_service_code")),
        **_PARTS,
    },
    ImportKind.PATIENTS: {
        "mrn": Known(Form.TEXT, _MRN),
        "first_name": Known(Form.TEXT, ("first", "given_name", "patient_first_name", "fname")),
        "last_name": Known(Form.TEXT, ("last", "surname", "family_name", "patient_last_name", "lname")),
        "birth_date": Known(Form.DAY, ("dob", "date_of_birth", "birthdate", "birthday", "patient_dob")),
        "email": _EMAIL,
        "phone": _PHONE,
        "address": _ADDRESS,
        "sex": Known(Form.CHOICE, ("gender", "sex_at_birth"), _SEXES),
        **_PARTS,
    },
    ImportKind.CASES: {
        "number": Known(Form.TEXT, ("case_number", *_CASE)),
        "patient_mrn": Known(Form.TEXT, _MRN),
        "attorney": Known(Form.TEXT, _ATTORNEY),
        "date_of_injury": Known(Form.DAY, ("doi", "injury_date", "date_of_accident", "doa", "accident_date", "dol")),
        "opened_on": Known(Form.DAY, ("date_opened", "opened", "open_date", "intake_date")),
    },
    ImportKind.INVOICES: {
        "invoice_number": Known(
            Form.TEXT, ("num", "invoice", "invoice_no", "number", "document_number", "bill_number")
        ),
        "case_number": Known(Form.TEXT, _CASE),
        "patient_name": Known(Form.TEXT, ("patient", "client", "client_name")),
        "billed_amount": Known(
            Form.AMOUNT, ("billed", "amount", "total", "charges", "invoice_amount", "original_amount")
        ),
        "status": Known(Form.CHOICE, ("state", "invoice_status", "type", "transaction_type"), _STATES),
        "payer": Known(Form.TEXT, _PAYER),
        "physician": Known(Form.TEXT, _PHYSICIAN),
        "facility": Known(Form.TEXT, _FACILITY),
        "created_on": Known(Form.DAY, ("date", "invoice_date", "transaction_date", "bill_date", "date_created")),
        "service_date": Known(Form.DAY, ("date_of_service", "dos", "service_day", "serviced_on")),
        "submitted_on": Known(Form.DAY, ("date_submitted", "sent_on", "date_sent", "submission_date", "date_billed")),
        "contractual_adjustments": Known(
            Form.AMOUNT, ("contractual", "contractual_adjustment", "contract_adjustment", "contractual_write_off")
        ),
        "agreed_amount": Known(Form.AMOUNT, ("agreed", "settlement_amount", "negotiated_amount", "reduced_amount")),
        "received_amount": Known(Form.AMOUNT, ("received", "paid", "payments", "amount_paid", "paid_amount")),
        "written_off": Known(Form.AMOUNT, ("write_off", "adjustments", "write_offs")),
        "balance": Known(Form.AMOUNT, ("open_balance", "balance_due", "amount_due", "outstanding")),
        "aging_bucket": Known(Form.OTHER, ("aging_group",)),
        "paid_on": Known(Form.DAY, ("date_paid", "payment_date")),
        "cheque_number": Known(Form.TEXT, ("check_number", "check", "check_no", "cheque", "payment_reference")),
    },
}
