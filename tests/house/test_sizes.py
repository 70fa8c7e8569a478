"""Decides how long functions and files may be."""

import inspect
from statistics import median, quantiles

from domain.transitions import advance
from tests.house.source import LAYERS, Function, files, functions, name

MEDIAN_FUNCTION, LONG_FUNCTION, LONGEST_FUNCTION = 8, 25, 50
LONG_FILE, LONGEST_FILE, LONGEST_TABLES = 250, 400, 600
# What is longer today, with its number of lines; a number may only fall, and what has become short enough leaves.
KNOWN_FUNCTIONS: dict[str, int] = {}
KNOWN_FILES: dict[str, int] = {}

ALL = files(*LAYERS, "tests")


def _lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


FUNCTIONS = {f"{name(path)}:{function.name}": _lines(function) for path in ALL for function in functions(path)}
FILES = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in ALL}


def _limit(file: str) -> int:
    return LONGEST_TABLES if file.startswith("db/tables/") else LONGEST_FILE


def _ninth_tenth(sizes: list[int]) -> float:
    return quantiles(sizes, n=10)[-1]


def test_half_of_all_functions_are_at_most_eight_lines_long_and_nine_in_ten_at_most_twenty_five() -> None:
    sizes = list(FUNCTIONS.values())
    assert (median(sizes) <= MEDIAN_FUNCTION, _ninth_tenth(sizes) <= LONG_FUNCTION) == (True, True)


def test_no_function_is_longer_than_fifty_lines() -> None:
    assert {key: size for key, size in FUNCTIONS.items() if size > LONGEST_FUNCTION} == KNOWN_FUNCTIONS


def test_nine_files_in_ten_have_at_most_two_hundred_and_fifty_lines() -> None:
    assert _ninth_tenth(list(FILES.values())) <= LONG_FILE


def test_no_file_is_longer_than_four_hundred_lines_or_six_hundred_where_it_is_a_list_of_tables() -> None:
    assert {file: size for file, size in FILES.items() if size > _limit(file)} == KNOWN_FILES


def test_what_is_measured_is_the_whole_project() -> None:
    assert {*LAYERS, "tests"} == {file.split("/")[0] for file in FILES}
    assert FUNCTIONS["domain/transitions.py:advance"] == len(inspect.getsource(advance).splitlines())
