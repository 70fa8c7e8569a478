"""The cached template database of the tests is complete, and is rebuilt when one of its sources changes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.kept_template import KEPT, MADE_OF, PROJECT, RIGHTS_OF, key_of, restore


class FakePostgres:
    """A fake of PostgreSQL: writes one file with the number of calls so far."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, folder: Path) -> None:
        self.count += 1
        self.write(folder)

    def write(self, folder: Path) -> None:
        (folder / "postgres" / "data").mkdir(parents=True)
        (folder / "postgres" / "data" / "rows").write_text(str(self.count))
        (folder / "postgres" / "pgpass").touch()


def rows_of(folder: Path) -> str:
    return (folder / "postgres" / "data" / "rows").read_text()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def kept(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir() if path.is_dir()}


def test_the_second_run_gets_a_copy_of_the_data_of_the_first(cache: Path, tmp_path: Path) -> None:
    make = FakePostgres()
    assert [restore(cache, tmp_path / name, make) for name in ("first", "second")] == [True, True]
    (tmp_path / "first" / "postgres" / "data" / "rows").write_text("changed by a test")
    restore(cache, tmp_path / "third", make)
    assert [rows_of(tmp_path / name) for name in ("second", "third")] == ["1", "1"]
    assert make.count == 1


def test_data_whose_sources_change_while_they_are_made_are_not_kept(cache: Path, tmp_path: Path) -> None:
    for name in (*MADE_OF, *RIGHTS_OF):
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("as it was")

    def make(folder: Path) -> None:
        FakePostgres().write(folder)
        (tmp_path / "project" / MADE_OF[0]).write_text("as it was merged meanwhile")

    with pytest.raises(RuntimeError, match="The sources changed"):
        restore(cache, tmp_path / "first", make, tmp_path / "project")
    assert kept(cache) == set()
    restore(cache, tmp_path / "second", FakePostgres(), tmp_path / "project")
    assert len(kept(cache)) == 1


def test_the_unfinished_data_of_a_killed_run_is_never_used_and_is_removed(cache: Path, tmp_path: Path) -> None:
    def killed(folder: Path) -> None:
        FakePostgres().write(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(cache, tmp_path / "first", killed)
    assert all(name.startswith("unfinished-") for name in kept(cache))
    make = FakePostgres()
    restore(cache, tmp_path / "second", make)
    assert (make.count, kept(cache)) == (1, {key_of(*MADE_OF)})


def test_data_that_postgresql_may_still_be_writing_is_not_cached(cache: Path, tmp_path: Path) -> None:
    def running(folder: Path) -> None:
        FakePostgres().write(folder)
        (folder / "postgres" / "data" / "postmaster.pid").touch()

    with pytest.raises(RuntimeError, match="run the test again"):
        restore(cache, tmp_path / "first", running)
    assert key_of(*MADE_OF) not in kept(cache)


def test_only_the_newest_templates_are_kept(cache: Path, tmp_path: Path) -> None:
    for number in range(KEPT + 1):
        (cache / f"old-{number}").mkdir()
    restore(cache, tmp_path / "run", FakePostgres())
    assert key_of(*MADE_OF) in kept(cache)
    assert len(kept(cache)) == KEPT


def test_grants_made_from_another_schema_are_set_again(cache: Path, tmp_path: Path) -> None:
    restore(cache, tmp_path / "first", FakePostgres())
    (cache / key_of(*MADE_OF) / "rights").write_text("another schema")
    assert restore(cache, tmp_path / "second", FakePostgres()) is False


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("db", "schema", "uv.lock"):
        copy: Callable[..., object] = shutil.copytree if (PROJECT / name).is_dir() else shutil.copyfile
        copy(PROJECT / name, tmp_path / name)
    return tmp_path


def test_a_changed_new_or_missing_file_changes_the_cache_key(tree: Path) -> None:
    def key() -> str:
        return key_of("db", "uv.lock", project=tree)

    keys = [key()]
    for change in (
        lambda: (tree / "db" / "tables" / "clinics.py").write_text("# changed"),
        (tree / "db" / "added.py").touch,
        (tree / "db" / "added.py").unlink,
        lambda: (tree / "uv.lock").write_text("# another PostgreSQL"),
    ):
        change()
        keys.append(key())
    assert keys[3] == keys[1]
    assert len({*keys}) == 4


def test_bytecode_files_are_not_part_of_the_cache_key(tree: Path) -> None:
    before = key_of("schema", project=tree)
    (tree / "schema" / "__pycache__").mkdir(exist_ok=True)
    (tree / "schema" / "__pycache__" / "whole.pyc").touch()
    assert key_of("schema", project=tree) == before


@pytest.mark.parametrize("name", [*MADE_OF, *RIGHTS_OF])
def test_the_sources_of_the_cache_key_exist(name: str) -> None:
    assert (PROJECT / name).exists(), f"{name} has moved: update tests/support/kept_template.py"
