"""Documents that are uploaded are unknown to the release before; those that are drawn, and their numbers, stay."""

import asyncio
from importlib import import_module

import asyncpg
import pytest

from db.migrate import migrate
from server.database_urls import DatabaseUrls, bring_up_to_date
from tests.house.source import PROJECT
from tests.support.api.scenarios import broken_laws
from tests.support.databases import rows

_FILE = next((PROJECT / "db/migrations/versions").glob("*_documents_are_uploaded.py"))
_BEFORE = import_module(f"db.migrations.versions.{_FILE.stem}").down_revision
_DOCUMENTS = "select * from issued_documents where kind <> 'W9' order by id"
_COUNTERS = "select * from document_counters where kind <> 'W9' order by clinic_id, kind"
_W9 = "select (select count(*) from {0} where kind = 'W9') as n"
_UPLOAD = """insert into documents (clinic_id, id, uploaded_by, file_name, content_type, byte_size, expires_at, stored_at, consumed_at, sha256,
        blob_key)
    select clinic_id, gen_random_uuid(), id, 'w9.pdf', 'application/pdf', 1, now(), now(), now(), '\\x00', 'key' from users
    where email = 'billing@demo.example'"""
_COUNT = "insert into document_counters (clinic_id, kind, last_number) select clinic_id, 'W9', 1 from documents where file_name = 'w9.pdf'"
_RECORD = """insert into issued_documents (clinic_id, id, kind, origin, number, case_id, recipient, as_of, issued_at, document_id, file_status,
        sha256, blob_key)
    select u.clinic_id, gen_random_uuid(), 'W9', 'uploaded', 'W9-000001', c.id, 'Somebody', '2026-06-01', '2026-06-01T12:00:00Z', u.id, 'ready',
        u.sha256, u.blob_key from documents u, lateral (select id from cases where clinic_id = u.clinic_id order by id limit 1) c
    where u.file_name = 'w9.pdf'"""
_DELIVER = """insert into document_deliveries (clinic_id, id, document_id, case_id, method, delivered_at, recipient)
    select clinic_id, gen_random_uuid(), id, case_id, 'fax', issued_at, 'Somebody' from issued_documents where kind = 'W9'"""


def test_down_and_up_again_keeps_drawn_documents_and_forgets_uploaded_ones(own_address: DatabaseUrls) -> None:
    before = [rows(own_address, query) for query in (_DOCUMENTS, _COUNTERS)]
    assert all(before)
    for statement in (_UPLOAD, _COUNT, _RECORD, _DELIVER):
        rows(own_address, statement)
    assert broken_laws(own_address) == ()
    asyncio.run(migrate(own_address.owner, revision=_BEFORE))
    assert [rows(own_address, query) for query in (_DOCUMENTS, _COUNTERS)] == before
    assert [rows(own_address, _W9.format(name))[0]["n"] for name in ("issued_documents", "document_counters")] == [0, 0]
    with pytest.raises(asyncpg.CheckViolationError, match="kind_known"):
        rows(own_address, _RECORD)
    asyncio.run(bring_up_to_date(own_address))
    assert [rows(own_address, query) for query in (_DOCUMENTS, _COUNTERS)] == before
    assert broken_laws(own_address) == ()
    # What is issued is not rewritten, as before.
    with pytest.raises(asyncpg.CheckViolationError):
        rows(own_address, "update issued_documents set recipient = 'Another'")
