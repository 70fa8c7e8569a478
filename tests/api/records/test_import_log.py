"""The line of an import in the log: kind, clinic, number of rows, result and duration, and nothing of the file."""

import logging

import pytest

from tests.api.records.test_imports import a_list, fresh, house, imported
from tests.support.api.scans import House

__all__ = ["house"]


def test_an_import_is_one_line_in_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "billing.imports")
    text = fresh("G")
    imported(house.admin, a_list(house.admin, text), dryRun=True)
    imported(house.admin, a_list(house.admin, text))
    imported(house.admin, a_list(house.admin, text.replace("42.75", "no price")))
    lines = [record.getMessage() for record in caplog.records if record.name == "billing.imports"]
    assert [line.partition(": ")[2].rpartition(",")[0] for line in lines] == [
        "2 rows, a dry run",
        "2 rows, written",
        "2 rows, refused",
    ]
    assert all(line.startswith("import of codes in clinic ") for line in lines)
    assert "Collar" not in caplog.text
