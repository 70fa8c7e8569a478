"""The statements that add rows of each kind to the tables of which the template of the tests has none."""

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
