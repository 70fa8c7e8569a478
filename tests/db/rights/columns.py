"""Columns that several tables of rights name: of a record, of its history, and of what a report adds up."""

PARTY = "clinic_id id name"
# To which record a merged one leads, and which are one with it.
LINK = "clinic_id id survivor_id group_ids"
LINE = "clinic_id id invoice_id position code label units bilateral amount"
# The columns behind the fields of the access table, and those by which rows are found and sorted (number_key, position).
INVOICE = """clinic_id id number status billed_amount created_on service_date
    case_id patient_id payer_id physician_id facility_id"""
# What an invoice was before a transaction, by which a role knows that it has left a list.
IMAGE = f"{INVOICE} change_id position existed"
# Columns that reports aggregate, of invoices now and in the past.
SUMS = """submitted_on first_submitted_on agreed_on fully_paid_on agreed_amount received_amount balance earlier_received_amount
    contractual_amount recovered_amount responsible_since"""
KEPT = """clinic_id invoice_id encounter_id payer_id physician_id facility_id status created_on service_date billed_amount
    known_from known_until"""
RESTATED = KEPT.replace("known_from known_until", "from_on until_on")
VISIT = """clinic_id id case_id patient_id physician_id facility_id service_date recorded_at version cancelled_at is_billed
    changed_at"""
# What the visit was before a correction.
VISIT_BEFORE = "encounter_id known_from known_until physician_id facility_id service_date"
EXAM = "clinic_id id encounter_id exam_type_id bilateral units position removed_at"
CASE = "clinic_id id number number_key date_of_injury patient_id"
# Exports; after the bar, the columns that a download reads.
FILE = """clinic_id id requested_by kind format status filter columns file_name row_count rows_written byte_size sha256
    billed_total failure created_at expires_at record_count"""
FETCHED = "role blob_key byte_order_mark case_ids deposit_id"
FILE_AND_RECEIVED = f"{FILE} received_total | {FETCHED}"
# The records that an export shows: where single ones can leave the reach of a role, its list of exports asks for them, too.
RECORDS = "clinic_id export_id table_name ids"
SUPPRESSED = "email reason added_by added_at"
ADDRESS = "address_line1 address_line2 address_city address_state address_postal_code"
MASTER_DATA = f"""legal_name fax email tin npi taxonomy logo {ADDRESS.replace("address_", "physical_")}
    {ADDRESS.replace("address_", "remit_")}"""
LETTERHEAD = "address phone sender_name sender_address reply_to"
CONFIRMED = "confirmed_by confirmed_at day message_count invoice_count"
COVERAGE = """payer_id kind priority policy_number claim_number insured_name insured_relationship adjuster_name adjuster_phone
    adjuster_email effective_from effective_to limit_amount deductible_amount pays_percent other_payments_amount other_payments_on
    file_within_days balance_billing"""
COVERAGE_ENDS = "status exhausted_on closed_on closing_reason closing_letter_id verified_by verified_at"
POLICY = "name payer_kind facility_id billing_lead_id active"
LEVEL = """policy_id level after_days in_status template_id recipient recipient_address copy_to copy_address minimum_balance
    repeat_days repeat_times"""
CHEQUE = """clinic_id id payer_id method bank number amount cheque_date received_on held_from released_at deposit_id cleared_on
    returned_on return_kind returned_at replaces_id document_id unapplied_amount recorded_at"""
# Columns that billing staff see; after the bar, those that their mutations look up and read back.
RESET_LINK = "id email kind asked_in_clinic_id expires_at used_at sent_at next_attempt_at"
DELIVERY = """clinic_id id document_id method delivered_at recipient attorney_id firm_id tracking_number proof_id recorded_by"""
ISSUED = """clinic_id id kind origin number case_id recipient template_id as_of good_through stated_amount data_hash issued_by
    issued_at supersedes_id is_final statement_id state status withdrawn_by withdrawn_at withdrawal_reason executed_on served_on
    file_status sha256 byte_size page_count"""
