"""The command `make test-fast` leaves out the tests that use PostgreSQL or start a process, directly or through other functions."""

import subprocess
import sys

from tests.house.source import PROJECT
from tests.server.embedded.test_embedded import (
    test_the_first_start_creates_a_cluster_and_later_starts_find_its_data as starting,
)
from tests.without_database import NEED_A_DATABASE, starts_process


def through_another() -> None:
    run_something()


def run_something() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)


class Runner:
    def run(self) -> None:
        through_another()


def by_a_class() -> None:
    Runner().run()


def test_a_function_that_starts_a_process_is_found_also_through_functions_and_classes() -> None:
    assert starts_process(run_something)
    assert starts_process(through_another)
    assert starts_process(by_a_class)
    assert starts_process(starting)


def test_a_function_that_only_computes_is_not_reported() -> None:
    assert not starts_process(test_the_folders_that_are_left_out_exist)


def test_the_folders_that_are_left_out_exist() -> None:
    missing = {name for name in NEED_A_DATABASE if not (PROJECT / "tests" / name).is_dir()}
    assert not missing, f"{missing} moved or renamed: update tests/without_database.py"
