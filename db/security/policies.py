"""The second of the two locks, behind the GraphQL schema of a role: PostgreSQL roles, column grants and row-level security."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import literal
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.operators import and_

from db.fields.base import there_is
from db.row import Expression, PolicyScope, Row
from db.security.column_grants import columns_read
from db.security.lifecycle_guard import ENABLED, lifecycle_guard
from db.security.ownership import calls
from db.security.reach import reach_of
from db.security.report_columns import columns_of_report_role, columns_of_reports
from db.tables import metadata
from domain.access.people import Role
from domain.billing.transitions import legal_pairs
from permissions.importing import IMPORTING
from permissions.looked_up import (
    LOOKED_UP,
    LOOKED_UP_BY_ADMINISTRATORS,
    LOOKED_UP_BY_ATTORNEYS,
    LOOKED_UP_BY_EVERYBODY,
    LOOKED_UP_BY_PHYSICIANS,
)
from permissions.pricing import PRICING
from permissions.rows import ROWS
from permissions.rules import STAFF
from permissions.worker import ACROSS_CLINICS, WORKER
from permissions.writes import AUDITED, WRITES, Write

STAFF_LOGIN, ATTORNEY_LOGIN, SIGN_IN = "clinic_staff_login", "clinic_attorney_login", "clinic_sign_in"
WORKER_ROLE = "clinic_worker"
PRICING_ROLE = "clinic_pricing"
# The report role, which reads what reports add up, for roles that see no single value of it.
REPORT_ROLE = "clinic_reports"
# The import role, which inserts invoices with opening balances and has no other privileges.
IMPORT_ROLE = "clinic_import"
# The audit role, which adds events to the audit log and has no other privileges.
AUDIT_ROLE = "clinic_audit"
# The schema of the worker's job queue; migrations create it.
JOBS = "jobs"
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

_ATTEMPTS = ("key", "failures", "since_at", "until_at", "by_account", "known_until", "known_accounts")
_RESET_LINKS = ("id", "email", "kind", "asked_in_clinic_id", "expires_at", "used_at", "sent_at", "next_attempt_at")
# The privileges of the sign-in role: enough to find a login by e-mail and a session by its hash, to count failures (lockout) and
# to check a second factor; no business data of a clinic.
_SIGN_IN_READS = {
    "clinics": (
        *("clinic_id", "short_name", "name", "time_zone", "second_factor_roles"),
        *("address", "phone", "sender_name", "sender_address", "reply_to"),
    ),
    "users": ("clinic_id", "id", "email", "name", "role", "attorney_id", "physician_id", "active", "joined_at"),
    "sessions": (
        *("clinic_id", "id", "user_id", "token_hash", "kind", "name", "recorded_at"),
        *("last_used_at", "expires_at", "revoked_at"),
    ),
    "sign_in_attempts": _ATTEMPTS,
    "logins": ("id", "email", "password_hash", "oidc_subject", "only_clinic_id", "email_verified_at"),
    "memberships": ("login_id", "clinic_id", "user_id"),
    "login_second_factors": ("login_id", "secret", "bound_clinic_id", "confirmed_at", "last_step"),
    "recovery_codes": ("login_id", "code_hash"),
    "reset_links": _RESET_LINKS,
    "invitations": (
        *("clinic_id", "id", "user_id", "email", "role", "is_mailed", "expires_at"),
        *("accepted_at", "revoked_at", "sent_at", "next_attempt_at"),
    ),
    # Whether the attorney or physician that an account belongs to is retired; nothing else of them.
    "attorneys": ("clinic_id", "id", "retired_at"),
    "physicians": ("clinic_id", "id", "active"),
}
_SIGN_IN_WRITES = {
    "clinics": "update (second_factor_roles)",
    "users": "update (joined_at)",
    "sessions": "insert (clinic_id, id, user_id, token_hash, kind, last_used_at, expires_at), update (last_used_at, revoked_at)",
    "sign_in_attempts": f"insert ({', '.join(_ATTEMPTS)}), update ({', '.join(_ATTEMPTS[1:])}), delete",
    # A person who signs in by OIDC with a verified e-mail is identified by subject afterwards; people change their own passwords,
    # and a hash with outdated parameters is replaced at the next sign-in.
    "logins": "insert (id, email, password_hash, oidc_subject, email_verified_at), "
    "update (password_hash, oidc_subject, only_clinic_id, email_verified_at), delete",
    "memberships": "insert (login_id, clinic_id, user_id), update (login_id), delete",
    "login_second_factors": "insert (login_id, secret, confirmed_at, last_step), "
    "update (secret, bound_clinic_id, confirmed_at, last_step), delete",
    "recovery_codes": "insert (login_id, code_hash), delete",
    "reset_links": f"insert ({', '.join(_RESET_LINKS)}), update (used_at, sent_at, next_attempt_at), delete",
    "invitations": "update (accepted_at, sent_at, next_attempt_at)",
}


def role_name(role: Role) -> str:
    """The PostgreSQL role of an application role's transactions."""
    return f"clinic_{role}"


# Function → the roles that may call it; every other function only fires as a trigger.
CALLERS = {
    # Called with the begin of a mutation that changes invoices; it locks only rows that the caller may change.
    "lock_invoices(uuid, uuid[])": tuple(map(role_name, sorted(WRITES["invoices"].roles))),
    # Called with the commit of a mutation; it inserts only rows that the caller may insert.
    "keep_event(uuid, uuid, uuid, text, text, timestamptz, text, bytea, text, text, bigint)": tuple(
        map(role_name, sorted(WRITES["audit_events"].roles))
    ),
    # Called by who changes invoices: the days of their histories, and their restated states, within the clinic of the transaction.
    "invoice_steps(uuid, uuid[])": (*map(role_name, sorted(WRITES["invoices"].roles)), WORKER_ROLE),
    "restate_invoice(uuid, uuid, json)": (*map(role_name, sorted(WRITES["invoices"].roles)), WORKER_ROLE),
    # Finds the audit events about a record by an index that row-level security would not use, within the clinic of the transaction.
    "audit_events_about(uuid[])": (role_name(Role.ADMIN),),
}


def login_for(role: Role | None) -> str:
    """The PostgreSQL login that connects for a role: attorneys have a separate one, which cannot switch to a staff role."""
    return ATTORNEY_LOGIN if role is Role.ATTORNEY else STAFF_LOGIN


def statements(seen: Mapping[Role, frozenset[str]], schema: str = "public") -> Iterator[str]:
    """Every statement that sets roles, grants, policies and the lifecycle guard according to the rules; all are idempotent.

    `seen` maps each role to the coordinates of the GraphQL schema that it sees: column grants are derived from it.
    """
    yield from _roles()
    for table in metadata.sorted_tables:
        yield f"alter table {table.name} enable row level security"
        yield f"revoke all on {table.name} from public, {', '.join(_all_roles())}"
    yield without_policies(schema)
    for role, coordinates in seen.items():
        yield f"grant usage on schema {schema} to {role_name(role)}"
        yield from _grants(role_name(role), columns_granted(role, coordinates))
        yield from _policies(role)
        yield from _writes(role)
    yield from _sign_in(schema)
    yield from _audit(schema)
    yield from _worker(schema)
    yield from _pricing(schema)
    yield from _reports(schema, columns_of_report_role(seen))
    yield from _importing(schema)
    yield from calls(CALLERS, _all_roles())
    yield lifecycle_guard(legal_pairs())
    yield ENABLED


def _all_roles() -> list[str]:
    return [*map(role_name, Role), SIGN_IN, AUDIT_ROLE, WORKER_ROLE, PRICING_ROLE, REPORT_ROLE, IMPORT_ROLE]


def _roles() -> Iterator[str]:
    for name in (*_all_roles(), STAFF_LOGIN, ATTORNEY_LOGIN):
        login = "login" if name in (STAFF_LOGIN, ATTORNEY_LOGIN) else "nologin"
        # Roles belong to the whole server, so that two databases may create them at the same time.
        yield (
            f"do $$ begin if not exists (select from pg_roles where rolname = '{name}') then create role {name} {login} noinherit; "
            "end if; exception when duplicate_object or unique_violation then null; end $$"
        )
    for name in _all_roles():
        taker = ATTORNEY_LOGIN if name == role_name(Role.ATTORNEY) else STAFF_LOGIN
        yield f"grant {name} to {taker} with inherit false, set true"


def without_policies(schema: str) -> str:
    """The statement that drops every policy; without a policy no row is accessible."""
    return (
        "do $$ declare p record; begin for p in select policyname, tablename from pg_policies "
        f"where schemaname = '{schema}' loop execute format('drop policy %I on %I', p.policyname, p.tablename); end loop; end $$"
    )


_LOOKED_UP_BY_OTHERS = {Role.PHYSICIAN: LOOKED_UP_BY_PHYSICIANS, Role.ATTORNEY: LOOKED_UP_BY_ATTORNEYS}


def columns_granted(role: Role, seen: frozenset[str]) -> dict[str, set[str]]:
    """Table → columns that a role may read: for the fields that it sees, and for its mutations."""
    found = defaultdict(set, columns_read(role, seen))
    for table, reported in columns_of_reports(role, seen).items():
        found[table] |= reported
    looked_up = LOOKED_UP if role in STAFF else _LOOKED_UP_BY_OTHERS.get(role, {})
    looked_up = looked_up | (LOOKED_UP_BY_ADMINISTRATORS if role is Role.ADMIN else {})
    for table, names in (looked_up | LOOKED_UP_BY_EVERYBODY).items():
        found[table] |= {*names, *_keys(table)}
    for table, write in WRITES.items():
        if role in write.roles:
            found[table] |= {*write.changes, *_keys(table)} - write.conceals
    return {table: names for table, names in found.items() if names}


def columns_added(table: str, write: Write) -> set[str]:
    """The columns that an insert may set; none where inserts are not allowed."""
    if not write.adds:
        return set()
    return {*write.adds, *_keys(table), *({"recorded_at"} & set(metadata.tables[table].c.keys()))}


def _keys(table: str) -> set[str]:
    return {"clinic_id", "id"} & set(metadata.tables[table].c.keys())


def _grants(name: str, columns: Mapping[str, set[str]]) -> Iterator[str]:
    for table, names in sorted(columns.items()):
        yield f"grant select ({', '.join(sorted(names))}) on {table} to {name}"


def _policies(role: Role) -> Iterator[str]:
    for table in metadata.sorted_tables:
        if role in ROWS.get(table.name, {}):
            yield f"create policy {role_name(role)} on {table.name} for select to {role_name(role)} using ({policy(table.name, role)})"


def _writes(role: Role) -> Iterator[str]:
    """The write privileges of a role: only in its own clinic, only in the acting user's name, and only with the required values."""
    name = role_name(role)
    for table, write in WRITES.items():
        if role not in write.roles:
            continue
        own = write_policy(table, write, role)
        if write.adds:
            yield f"grant insert ({', '.join(sorted(columns_added(table, write)))}) on {table} to {name}"
            check = insert_policy(table, write, role)
            yield f"create policy {name}_insert on {table} for insert to {name} with check ({check})"
        if write.changes:
            yield f"grant update ({', '.join(write.changes)}) on {table} to {name}"
            yield f"create policy {name}_update on {table} for update to {name} using ({own}) with check ({own})"
        if write.removes:
            yield f"grant delete on {table} to {name}"
            yield f"create policy {name}_delete on {table} for delete to {name} using ({own})"


def policy(table: str, role: Role | None) -> str:
    """The condition of a role's policy on a table; without role, that a row belongs to the clinic."""
    row = Row(metadata.tables[table], table, PolicyScope(role, follows=True))
    return _spelt(row, reach_of(row) if role else [])


def insert_policy(table: str, write: Write, role: Role) -> str:
    """The condition for an insert: in the user's clinic and reach, in the user's name, and with the required initial values."""
    # The roles that write audit log events have no rows of it in reach.
    if role not in STAFF and not write.by and table not in AUDITED:
        return _within_reach(table, write.below, role)
    row = Row(metadata.tables[table], table, PolicyScope(role))
    also = [getattr(row, name).is_(None) | getattr(row, other).is_not(None) for name, other in write.only_with.items()]
    return _own(table, write.by, {**write.only, **write.begins}, role if write.in_reach else None, also)


def write_policy(table: str, write: Write, role: Role) -> str:
    """The condition for an update or delete, on the old and the new row."""
    return _own(table, write.by if write.own else None, write.only, role if write.in_reach else None)


def import_policy(table: str) -> str:
    """The condition for an insert by an import: in the user's clinic, an invoice with its original number, a cheque marked as imported."""
    row = Row(metadata.tables[table], table, PolicyScope())
    also = [row.external_key == row.number] if table == "invoices" else [row.imported] if table == "cheques" else []
    return _spelt(row, also)


def _within_reach(table: str, below: tuple[str, str] | None, role: Role) -> str:
    """That a row belongs to the clinic, is in the role's reach and, where required, has a parent row in the role's reach."""
    row = Row(metadata.tables[table], table, PolicyScope(role, follows=True))
    conditions = reach_of(row)
    if below:
        column, parents = below
        parent = row.scope.row(metadata.tables[parents])
        (within,) = reach_of(parent)
        on = (parent.clinic_id == row.clinic_id) & (parent.id == getattr(row, column)) & within
        conditions.append(there_is(parent, on))
    return _spelt(row, conditions)


def _own(
    table: str, by: str | None, values: Mapping[str, str], role: Role | None, also: Sequence[Expression] = ()
) -> str:
    row = Row(metadata.tables[table], table, PolicyScope(role, follows=True))
    mine = [getattr(row, by) == row.scope.user_id] if by else []
    within = reach_of(row) if role else []
    return _spelt(
        row, [*mine, *(getattr(row, name) == _literal(value) for name, value in values.items()), *also, *within]
    )


def _literal(value: str) -> Expression:
    return literal(str(value), literal_execute=True)


def _spelt(row: Row, also: list[Expression]) -> str:
    conditions = [row.clinic_id == row.scope.clinic_id, *also]
    return " and ".join(
        str(c.self_group(and_).compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True}))
        for c in conditions
    )


def _sign_in(schema: str) -> Iterator[str]:
    yield f"grant usage on schema {schema} to {SIGN_IN}"
    for table, names in _SIGN_IN_READS.items():
        yield f"grant select ({', '.join(names)}) on {table} to {SIGN_IN}"
        yield f"create policy {SIGN_IN} on {table} for all to {SIGN_IN} using (true) with check (true)"
    for table, writes in _SIGN_IN_WRITES.items():
        yield f"grant {writes} on {table} to {SIGN_IN}"


def _pricing(schema: str) -> Iterator[str]:
    """The privileges of the pricing role, in the clinic of the transaction."""
    yield f"grant usage on schema {schema} to {PRICING_ROLE}"
    for table, names in PRICING.items():
        yield f"grant select ({', '.join(names)}) on {table} to {PRICING_ROLE}"
        yield f"create policy {PRICING_ROLE} on {table} for select to {PRICING_ROLE} using ({policy(table, None)})"


def _reports(schema: str, columns: Mapping[str, set[str]]) -> Iterator[str]:
    """The privileges of the report role, in the clinic of the transaction."""
    yield f"grant usage on schema {schema} to {REPORT_ROLE}"
    yield from _grants(REPORT_ROLE, columns)
    for table in sorted(columns):
        yield f"create policy {REPORT_ROLE} on {table} for select to {REPORT_ROLE} using ({policy(table, None)})"


def _importing(schema: str) -> Iterator[str]:
    """The privileges of the import role, in the clinic of the transaction: inserts of invoices that keep their original numbers."""
    yield f"grant usage on schema {schema} to {IMPORT_ROLE}"
    for table, names in IMPORTING.items():
        check = import_policy(table)
        yield f"grant insert ({', '.join(names)}) on {table} to {IMPORT_ROLE}"
        yield f"create policy {IMPORT_ROLE}_insert on {table} for insert to {IMPORT_ROLE} with check ({check})"


def _audit(schema: str) -> Iterator[str]:
    """The privileges of the audit role: inserts of events for any clinic, and no reads."""
    yield f"grant usage on schema {schema} to {AUDIT_ROLE}"
    for table in AUDITED:
        yield f"grant insert ({', '.join(sorted(columns_added(table, WRITES[table])))}) on {table} to {AUDIT_ROLE}"
        yield f"create policy {AUDIT_ROLE}_insert on {table} for insert to {AUDIT_ROLE} with check (true)"


def _worker(schema: str) -> Iterator[str]:
    """The privileges of the worker: the tables that its jobs need, in the clinic of the transaction, and its own job queue."""
    yield f"grant usage on schema {schema}, {JOBS} to {WORKER_ROLE}"
    yield f"grant select, insert, update, delete on all tables in schema {JOBS} to {WORKER_ROLE}"
    yield f"grant usage on all sequences in schema {JOBS} to {WORKER_ROLE}"
    for table, names in ACROSS_CLINICS.items():
        yield f"grant select ({', '.join(names)}) on {table} to {WORKER_ROLE}"
        yield f"create policy {WORKER_ROLE} on {table} for select to {WORKER_ROLE} using (true)"
    for table, need in WORKER.items():
        own = policy(table, None)
        if need.reads:
            yield f"grant select ({', '.join(need.reads)}) on {table} to {WORKER_ROLE}"
            yield f"create policy {WORKER_ROLE} on {table} for select to {WORKER_ROLE} using ({own})"
        if need.adds:
            yield f"grant insert ({', '.join(need.adds)}) on {table} to {WORKER_ROLE}"
            yield f"create policy {WORKER_ROLE}_insert on {table} for insert to {WORKER_ROLE} with check ({own})"
        if need.changes:
            yield f"grant update ({', '.join(need.changes)}) on {table} to {WORKER_ROLE}"
            yield f"create policy {WORKER_ROLE}_update on {table} for update to {WORKER_ROLE} using ({own}) with check ({own})"
        if need.removes:
            yield f"grant delete on {table} to {WORKER_ROLE}"
            yield f"create policy {WORKER_ROLE}_delete on {table} for delete to {WORKER_ROLE} using ({own})"
