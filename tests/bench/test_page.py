"""The performance page is written from all kept records."""

from pathlib import Path

from tests.bench import records
from tests.bench.records import Part
from tests.bench.report import PAGE, WRITERS, page


def test_the_page_of_the_performance_is_written_from_the_kept_records() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(records.kept_parts()), (
        "Run `make bench`: it writes the page and its records"
    )


def test_a_part_that_is_kept_leaves_the_other_parts_on_the_page(tmp_path: Path) -> None:
    kept_parts = records.kept_parts()
    (tmp_path / "results.json").write_bytes(records.KEPT.read_bytes())
    one = next(iter(kept_parts.values()))
    found = records.keep("peers", Part(one.facts, [], failure="npm is missing"), tmp_path / "results.json")
    assert found.keys() == kept_parts.keys() | {"peers"}
    assert "npm is missing" in page(found)
    assert all(
        page({name: part}).partition("\n## ")[2] in page(found) for name, part in kept_parts.items() if name != "peers"
    )


def test_the_page_names_every_part_that_was_not_measured() -> None:
    assert f"**Not measured yet: {', '.join(WRITERS)}.**" in page({})
