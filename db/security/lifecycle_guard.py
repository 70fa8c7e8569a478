"""The database's own guard of the lifecycle: the legal changes of status, and that no trigger of a table is disabled."""

from collections.abc import Iterable

from db.security.ownership import SEARCH_PATH
from domain.billing.invoices import InvoiceStatus

# A trigger that was disabled by hand, for a repair, is enabled again.
ENABLED = """do $$ declare disabled record; begin
    for disabled in select tgname, tgrelid::regclass as of_table from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where c.relnamespace = 'public'::regnamespace and not t.tgisinternal and t.tgenabled <> 'O'
    loop
        execute format('alter table %s enable trigger %I', disabled.of_table, disabled.tgname);
    end loop;
end $$"""


def lifecycle_guard(pairs: Iterable[tuple[InvoiceStatus, InvoiceStatus]]) -> str:
    """The statement that sets the legal pairs (from, to); the trigger that calls the function is made by a migration."""
    legal = ", ".join(f"('{start.value}', '{end.value}')" for start, end in sorted(pairs))
    return f"""create or replace function guard_invoice_status() returns trigger language plpgsql set search_path = {SEARCH_PATH} as $$
begin
    if (old.status, new.status) not in ({legal}) then
        raise exception 'an invoice does not go from % to %', old.status, new.status using errcode = 'check_violation';
    end if;
    return new;
end $$"""
