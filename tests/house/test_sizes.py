"""Limits for the length of functions and files."""

import inspect
from functools import cache
from statistics import median, quantiles

from domain.billing.lifecycle import advance
from tests.house.source import LAYERS, Function, files, functions, name

MEDIAN_FUNCTION, LONG_FUNCTION, LONGEST_FUNCTION = 8, 25, 50
LONG_FILE, LONGEST_FILE, LONGEST_TABLES = 250, 400, 600
# Known exceptions with their number of lines; a number may only fall, and an entry that is short enough is removed.
KNOWN_FUNCTIONS: dict[str, int] = {}
KNOWN_FILES: dict[str, int] = {}

ALL = files(*LAYERS, "tests")


def _lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


@cache
def _functions() -> dict[str, int]:
    return {f"{name(path)}:{function.name}": _lines(function) for path in ALL for function in functions(path)}


@cache
def _files() -> dict[str, int]:
    return {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in ALL}


def _limit(file: str) -> int:
    return LONGEST_TABLES if file.startswith("db/tables/") else LONGEST_FILE


def _longest() -> str:
    return ", ".join(sorted(_files(), key=_files().__getitem__)[-3:])


def _ninetieth_percentile(sizes: list[int]) -> float:
    return quantiles(sizes, n=10)[-1]


def test_half_of_all_functions_are_at_most_eight_lines_long_and_nine_in_ten_at_most_twenty_five() -> None:
    sizes = list(_functions().values())
    found = f"the median is {median(sizes)} lines, nine in ten have at most {_ninetieth_percentile(sizes):.0f}"
    assert (median(sizes) <= MEDIAN_FUNCTION, _ninetieth_percentile(sizes) <= LONG_FUNCTION) == (True, True), (
        f"{found}: split functions where a part of them has a name of its own"
    )


def test_no_function_is_longer_than_fifty_lines() -> None:
    assert {key: size for key, size in _functions().items() if size > LONGEST_FUNCTION} == KNOWN_FUNCTIONS, (
        f"split each function of more than {LONGEST_FUNCTION} lines where a part of it has a name of its own"
    )


def test_nine_files_in_ten_have_at_most_two_hundred_and_fifty_lines() -> None:
    assert _ninetieth_percentile(list(_files().values())) <= LONG_FILE, (
        f"more than one file in ten has over {LONG_FILE} lines: split one by what its parts are about, such as {_longest()}"
    )


def test_no_file_is_longer_than_four_hundred_lines_or_six_hundred_where_it_is_a_list_of_tables() -> None:
    assert {file: size for file, size in _files().items() if size > _limit(file)} == KNOWN_FILES, (
        "split each of these files by what its parts are about"
    )


def test_all_files_of_the_project_are_measured() -> None:
    assert {*LAYERS, "tests"} == {file.split("/")[0] for file in _files()}
    assert _functions()["domain/billing/lifecycle.py:advance"] == len(inspect.getsource(advance).splitlines())
