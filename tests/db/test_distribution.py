"""Every table can be distributed by tenant (clinic_id), as Citus requires: the first column of each key is the clinic."""

import pytest

from server.database_urls import DatabaseUrls
from tests.support.databases import rows

# The directory of people, who may have accounts in several clinics: its tables refer to each other.
DIRECTORY = {"logins", "memberships", "login_second_factors", "recovery_codes", "reset_links"}
# Not distributed: the migration version; the clinics, which every node has; sign-in attempts, which have no clinic yet.
ON_EVERY_NODE = {"alembic_version", "clinics", "policy_version", "sign_in_attempts", *DIRECTORY}
KEYS = """select c.conrelid::regclass::text as table, c.conname as name, own.attname as first, other.attname as referred,
        c.confrelid::regclass::text as referred_table
    from pg_constraint c
    join pg_attribute own on own.attrelid = c.conrelid and own.attnum = c.conkey[1]
    left join pg_attribute other on other.attrelid = c.confrelid and other.attnum = c.confkey[1]
    where c.connamespace = 'public'::regnamespace and c.contype = any($1)"""
UNIQUE_INDEXES = """select i.indrelid::regclass::text as table, i.indexrelid::regclass::text as name, a.attname as first
    from pg_index i join pg_class k on k.oid = i.indrelid
    left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indisunique and k.relnamespace = 'public'::regnamespace"""


@pytest.mark.parametrize("kind", ["p", "u"], ids=["primary keys", "unique keys"])
def test_every_key_begins_with_the_clinic(address: DatabaseUrls, kind: str) -> None:
    found = rows(address, KEYS, [kind.encode()])
    assert len(found) > 5
    assert [dict(key) for key in found if key["first"] != "clinic_id" and key["table"] not in ON_EVERY_NODE] == []


def test_every_unique_index_begins_with_the_clinic(address: DatabaseUrls) -> None:
    found = rows(address, UNIQUE_INDEXES)
    assert [dict(one) for one in found if one["first"] != "clinic_id" and one["table"] not in ON_EVERY_NODE] == []


def test_every_foreign_key_includes_the_clinic(address: DatabaseUrls) -> None:
    found = rows(address, KEYS, [b"f"])
    assert len(found) > 50
    among_people = [one for one in found if one["table"] in DIRECTORY]
    assert {(one["first"], one["referred"], one["referred_table"]) for one in among_people} == {
        ("login_id", "id", "logins")
    }
    others = [one for one in found if one["table"] not in DIRECTORY]
    assert {(one["first"], one["referred"]) for one in others} == {("clinic_id", "clinic_id")}


def test_every_table_has_a_primary_key_to_be_distributed_by(address: DatabaseUrls) -> None:
    tables = {
        row["name"]
        for row in rows(
            address,
            "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
        )
    }
    keyed = {key["table"] for key in rows(address, KEYS, [b"p"])}
    assert tables == keyed
