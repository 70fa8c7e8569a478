"""The statements that add rows of each kind to the tables of which the template of the tests has none, in each clinic."""

# A record of the attorney's and one of the physician's user, of each clinic.
_OWN = {
    "patient": {
        "attorney": "select c.patient_id from cases c join users u using (clinic_id, attorney_id) where {0} order by c.id limit 1",
        "physician": "select i.patient_id from invoices i join users u using (clinic_id, physician_id) where {0} order by i.id limit 1",
    },
    "payer": {
        "attorney": """select i.payer_id from invoices i join cases c on c.clinic_id = i.clinic_id and c.id = i.case_id
            join users u on u.clinic_id = c.clinic_id and u.attorney_id = c.attorney_id where i.status <> 'void' and {0}
            order by i.id limit 1""",
        "physician": "select i.payer_id from invoices i join users u using (clinic_id, physician_id) where {0} order by i.id limit 1",
    },
}


def _merged(kind: str) -> list[str]:
    """Of four twins without records, two are merged into one; one into a record of the attorney, and into one a record of the physician."""
    columns, values = {
        "patient": ("mrn, first_name, last_name, sort_name", "'TWIN-' || n, 'Twin', 'Twin ' || n, 'twin twin'"),
        "payer": ("name, kind", "'Twin ' || n, 'insurance'"),
    }[kind]
    twin = "select t.id from {0}s t where t.clinic_id = k.clinic_id and t.{1} = 'Twin {2}'"
    one, two, three, four = (twin.format(kind, "last_name" if kind == "patient" else "name", n) for n in range(1, 5))
    own = {role: query.format(f"u.clinic_id = k.clinic_id and u.role = '{role}'") for role, query in _OWN[kind].items()}
    merge = f"""insert into merges (clinic_id, id, merged_{kind}_id, surviving_{kind}_id, before, merged_at)
        select k.clinic_id, gen_random_uuid(), ({{0}}), ({{1}}), '{{{{}}}}', now() from clinics k"""
    return [
        f"""insert into {kind}s (clinic_id, id, {columns}) select clinic_id, gen_random_uuid(), {values}
            from clinics, generate_series(1, 4) n""",
        *(merge.format(*pair) for pair in ((one, two), (three, own["attorney"]), (own["physician"], four))),
    ]


MERGED = (*_merged("patient"), *_merged("payer"))
# A typed remittance of one payment, with a claim of which no invoice is known.
REMITTED = (
    """insert into remittances (clinic_id, id, origin, imported_by)
        select distinct on (clinic_id) clinic_id, gen_random_uuid(), 'paper', id from users where role = 'billing'""",
    """insert into remittance_payments (clinic_id, id, remittance_id, place, trace, trace_key, method, amount, paid_on, status, reason)
        select clinic_id, gen_random_uuid(), id, 1, 'T-1', 'T-1', 'ach', 90, '2026-06-01', 'unmatched', 'Not known' from remittances""",
    """insert into remittance_claims (clinic_id, id, remittance_id, payment_id, place, number, status_code, charge_amount, paid_amount,
        patient_amount, status) select clinic_id, gen_random_uuid(), remittance_id, id, 1, 'CLAIM-1', '1', 90, 90, 0, 'unmatched'
        from remittance_payments""",
)

# An event and a past state of every case and visit.
CORRECTED = (
    """insert into case_events (clinic_id, id, case_id, at, action)
        select clinic_id, gen_random_uuid(), id, now(), 'update_case' from cases""",
    """insert into encounter_events (clinic_id, id, encounter_id, at, action)
        select clinic_id, gen_random_uuid(), id, now(), 'update_encounter' from encounters""",
    """insert into encounter_states (clinic_id, encounter_id, known_from, known_until, physician_id, service_date)
        select clinic_id, id, recorded_at, now(), physician_id, service_date from encounters""",
)
# For every user of the staff: an announced upload, an upload used by a mutation, an idempotency key, a session and an invitation; and
# a row in each of the tables of sign-in.
OWN_ROWS_OF_USERS = (
    """insert into documents (clinic_id, id, uploaded_by, file_name, content_type, byte_size, expires_at, stored_at, consumed_at)
        select clinic_id, gen_random_uuid(), id, 'a', 'b', 1, now(), now(), used from users,
        unnest(array[null, now()]) used where role in ('admin', 'billing')""",
    """insert into idempotency_keys (clinic_id, id, user_id, key, operation, input_hash)
        select clinic_id, gen_random_uuid(), id, 'a', 'b', '' from users where role in ('admin', 'billing')""",
    """insert into invoice_selections (clinic_id, id, user_id, invoice_ids)
        select clinic_id, gen_random_uuid(), id, '{}' from users where role in ('admin', 'billing')""",
    """insert into sessions (clinic_id, id, user_id, token_hash, last_used_at, expires_at)
        select clinic_id, gen_random_uuid(), id, uuid_send(id), now(), now() + interval '1 hour' from users""",
    """insert into invitations (clinic_id, id, user_id, email, role, is_mailed, expires_at, next_attempt_at)
        select clinic_id, gen_random_uuid(), id, email, role, true, now(), now() from users""",
    "insert into sign_in_attempts (key, failures, until_at) values ('key', 1, now())",
    "insert into login_second_factors (login_id, secret) select id, 'secret' from logins",
    "insert into recovery_codes (login_id, code_hash) select id, 'hash' from logins",
    """insert into reset_links (id, email, kind, expires_at, next_attempt_at)
        select gen_random_uuid(), email, 'password-reset', now(), now() from logins""",
)
