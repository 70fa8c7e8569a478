"""A clinic leaves with all of its records and files, which prove that they are whole, and with no secret."""

import csv
import json
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from db.tables import metadata
from domain.formulas import unguard
from exports.leaving.contents import FILES_LEFT_OUT, LEFT_OUT, LEFT_OUT_COLUMNS, STORED_FILES, WRITTEN
from exports.leaving.folders import MANIFEST, SUMS, differences
from server.database_urls import DatabaseUrls
from tests.server.commands.test_cli import done, refused
from tests.support.databases import rows
from tests.support.other_clinic import add_other_clinic

CLINIC = "(select clinic_id from clinics where short_name = 'demo')"
# A name by which a column may hold a secret, or the address of a file.
TELLING = ("password", "secret", "token", "oidc", "blob_key", "code_hash")
SECRET = b"a-secret-that-stays-here"


def tables_of_clinics() -> set[str]:
    return {name for name, table in metadata.tables.items() if "clinic_id" in table.c}


def test_every_table_of_a_clinic_is_written_or_left_out_for_a_reason() -> None:
    missing = "say in exports/leaving/contents.py whether its rows are written when a clinic leaves, and if not, why"
    assert tables_of_clinics() - WRITTEN - LEFT_OUT.keys() == set(), missing
    assert (WRITTEN | LEFT_OUT.keys()) - tables_of_clinics() == set()
    assert WRITTEN & LEFT_OUT.keys() == set()
    assert all(LEFT_OUT.values())


def test_no_written_column_has_the_name_of_a_secret() -> None:
    told = {(name, column) for name, columns in LEFT_OUT_COLUMNS.items() for column in columns}
    telling = {
        (name, column)
        for name in WRITTEN
        for column in metadata.tables[name].c.keys()  # noqa: SIM118 (of columns, not of a mapping)
        if any(word in column for word in TELLING)
    }
    assert telling - told == set(), "leave it out in exports/leaving/contents.py, with the reason"
    assert all(column in metadata.tables[name].c for name, column in told)


def test_every_table_with_stored_files_says_where_they_go() -> None:
    stored = {name for name, table in metadata.tables.items() if "blob_key" in table.c}
    assert stored == STORED_FILES.keys() | FILES_LEFT_OUT.keys()
    folders = [kind.folder for kind in STORED_FILES.values()]
    # The order of the list of hashes.
    assert [*folders, MANIFEST, "tables"] == sorted([*folders, MANIFEST, "tables"])


@pytest.fixture
def left(own_address: DatabaseUrls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[DatabaseUrls, Path]:
    """The demo clinic, with a stored file, secrets and a neighbour, and the folder into which it was written."""
    # BILLING_HOME is .billing in the working folder, unless it is set.
    monkeypatch.chdir(tmp_path)
    add_other_clinic(own_address)
    for statement in (
        """insert into documents (clinic_id, id, uploaded_by, file_name, content_type, byte_size, sha256, blob_key, expires_at, stored_at)
            select clinic_id, gen_random_uuid(), id, '=scan.pdf', 'application/pdf', 9, sha256('the scan.'::bytea), 'kept/scan', now(), now()
            from users where email = 'admin@demo.example'""",
        f"update users set password_hash = '{SECRET.decode()}', oidc_subject = '{SECRET.decode()}'",
        f"update logins set password_hash = '{SECRET.decode()}'",
        f"""insert into sessions (clinic_id, id, user_id, token_hash, expires_at)
            select clinic_id, gen_random_uuid(), id, '{SECRET.decode()}'::bytea, now() from users limit 1""",
    ):
        rows(own_address, statement)
    scan = tmp_path / ".billing" / "files" / "kept" / "scan"
    scan.parent.mkdir(parents=True)
    scan.write_bytes(b"the scan.")
    answer = done(own_address, "clinic", "leave", "demo", "gone")
    assert "and 1 stored files" in answer
    return own_address, tmp_path / "gone"


def written(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / "tables" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_everything_of_the_clinic_is_written_and_nothing_of_another_one(left: tuple[DatabaseUrls, Path]) -> None:
    address, folder = left
    [(clinic,)] = rows(address, f"select {CLINIC}::text")
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in WRITTEN:
        [(count,)] = rows(address, f"select count(*) from {name} where clinic_id = {CLINIC}")
        found = written(folder, name)
        assert (len(found), manifest["rows"][name]) == (count, count), name
        assert {row["clinic_id"] for row in found} <= {clinic}, name
    [(billed,)] = rows(address, f"select sum(billed_amount) from invoices where clinic_id = {CLINIC}")
    assert sum(Decimal(row["billed_amount"]) for row in written(folder, "invoices")) == billed
    assert "leaveClinic" in {row["operation"] for row in written(folder, "audit_events")}
    assert manifest["clinic"]["short_name"] == "demo"
    assert manifest["left_out"]["tables"] == dict(LEFT_OUT)
    [scan] = (folder / "documents").iterdir()
    assert (scan.suffix, scan.read_bytes()) == (".pdf", b"the scan.")
    [named] = [row["file_name"] for row in written(folder, "documents") if row["id"] == scan.stem]
    assert (named, unguard(named)) == ("'=scan.pdf", "=scan.pdf")


def test_no_secret_is_written_and_no_other_account_reads_the_files(left: tuple[DatabaseUrls, Path]) -> None:
    _, folder = left
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        content = path.read_bytes()
        assert SECRET not in content
        assert SECRET.hex().encode() not in content
    assert {path.stat().st_mode & 0o077 for path in (folder, *files) if path.name != SUMS} == {0}


def test_the_files_prove_that_they_are_whole_and_what_is_changed_is_named(left: tuple[DatabaseUrls, Path]) -> None:
    _, folder = left
    assert done(None, "clinic", "check-files", str(folder)) == f"{folder}: every file is as it was written.\n"
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=folder, check=True, capture_output=True)
    kept = {path: path.read_bytes() for path in (folder / SUMS, folder / "tables" / "payers.csv")}

    def restored(change: Callable[[], object]) -> str:
        change()
        refused(None, "clinic", "check-files", str(folder))
        output = "".join(_told(folder))
        for path, content in kept.items():
            path.write_bytes(content)
        return output

    payers, sums = folder / "tables" / "payers.csv", folder / SUMS
    assert (
        restored(lambda: payers.write_bytes(kept[payers][:-2] + b"x\n")) == "tables/payers.csv: this file was changed"
    )
    assert restored(payers.unlink) == "tables/payers.csv: this file is missing"
    assert "this line was changed" in restored(
        lambda: sums.write_bytes(kept[sums].replace(b"tables/users", b"../users"))
    )
    (folder / "tables" / "more.csv").write_text("more")
    assert "1 files were added" in restored(lambda: None)
    sums.unlink()
    assert "is not complete" in refused(None, "clinic", "check-files", str(folder))


def _told(folder: Path) -> list[str]:
    return list(differences(folder))


def test_a_missing_file_of_the_storage_is_named_and_the_rest_is_written(left: tuple[DatabaseUrls, Path]) -> None:
    address, folder = left
    (folder.parent / ".billing" / "files" / "kept" / "scan").unlink()
    assert "1 stored files are missing or changed" in refused(address, "clinic", "leave", "demo", "again")
    [broken] = json.loads((folder.parent / "again" / "manifest.json").read_text())["broken_files"]
    assert broken.endswith(".pdf: the storage has no such file")
    # The same records give the same bytes; the audit log has another event.
    for name in WRITTEN - {"audit_events", "audit_chain"}:
        one, other = (path / "tables" / f"{name}.csv" for path in (folder, folder.parent / "again"))
        assert one.read_bytes() == other.read_bytes(), name


def test_a_folder_that_is_not_empty_and_an_unknown_clinic_are_refused(address: DatabaseUrls, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    assert "is not empty: name a new folder" in refused(address, "clinic", "leave", "demo", str(tmp_path))
    assert "There is no clinic nowhere" in refused(address, "clinic", "leave", "nowhere", str(tmp_path / "new"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
