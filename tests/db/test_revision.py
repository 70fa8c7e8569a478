"""A migration can be generated from a changed table declaration; it upgrades, downgrades and upgrades again."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.migrate import migrate
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.house.source import PROJECT
from tests.permissions.changed_code import Copy
from tests.support.databases import copied, rows

_REVISE = "import sys; sys.path.append('tools'); import revision; revision.main(' '.join(sys.argv[1:]))"
_MIGRATE = (
    "import asyncio, sys; from db.migrate import migrate; asyncio.run(migrate(sys.argv[1], revision=sys.argv[2]))"
)
_COLUMN = (
    "select 1 from information_schema.columns where table_name = 'patients' and column_name = 'preferred_language'"
)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A copy of the code with the program that generates migrations."""
    made = Copy.into(tmp_path)
    shutil.copytree(PROJECT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("graphiql", "__pycache__"))
    return made


@pytest.fixture
def empty(postgres_server: EmbeddedPostgres) -> Iterator[DatabaseUrls]:
    """An empty database."""
    with copied(postgres_server, "template0") as made:
        yield made


def versions(copy: Copy) -> set[str]:
    """The file names of the migrations."""
    return {path.name for path in (copy.folder / "db" / "migrations" / "versions").glob("*.py")}


def test_a_new_column_becomes_a_migration_with_the_next_number_that_upgrades_and_downgrades(
    copy: Copy, empty: DatabaseUrls
) -> None:
    before = versions(copy)
    column = '    Column("birth_date", Date),'
    copy.change("db/tables/parties.py", column, f'{column}\n    Column("preferred_language", Text),')
    result = copy.run(_REVISE, "patients have a preferred language")
    assert result.returncode == 0, result.stdout + result.stderr
    (written,) = versions(copy) - before
    last = max(int(name[:4]) for name in before)
    assert written == f"{last + 1:04}_patients_have_a_preferred_language.py"
    assert f"\ndb/migrations/versions/{written}\n" in result.stdout
    text = (copy.folder / "db" / "migrations" / "versions" / written).read_text(encoding="utf-8")
    assert ('op.add_column("patients"' in text, 'op.drop_column("patients"' in text) == (True, True), text

    asyncio.run(migrate(empty.owner))
    for revision, found in (("head", 1), (f"{last:04}", 0), ("head", 1)):
        migrated = copy.run(_MIGRATE, empty.owner, revision)
        assert migrated.returncode == 0, migrated.stderr
        assert len(rows(empty, _COLUMN)) == found


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["tables are as they were"], "Nothing was written."),
        ([], "Say what changes"),
    ],
)
def test_no_migration_is_written_without_a_message_or_a_change(copy: Copy, arguments: list[str], reason: str) -> None:
    before = versions(copy)
    result = copy.run(_REVISE, *arguments)
    assert (result.returncode, reason in result.stderr, versions(copy)) == (1, True, before)
