"""Every file begins with a one-sentence docstring, and meaningless names are forbidden."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.source import LAYERS, Function, files, name, tree

# Names of files and classes that collect unrelated code.
MEANINGLESS_WORDS = {"util", "utils", "helper", "helpers", "common", "manager", "misc"}
# A service date is a term of billing; a class named service says nothing.
MEANINGLESS_AT_THE_END = {"service", "services"}
WRITTEN = [path for path in files(*LAYERS, "tests") if path.read_text(encoding="utf-8").strip()]
SENTENCE = re.compile(r"[A-Z](?:(?!\.\s).)*\.", re.DOTALL)


# A value of the published API: counted from the day of treatment. The place of service is a field of claims.
AGREED = {"SERVICE", "place_of_service", "PLACE_OF_SERVICE"}


def is_meaningless(identifier: str) -> bool:
    """Whether a name, in any spelling, contains a meaningless word."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)]
    return bool(words) and (not MEANINGLESS_WORDS.isdisjoint(words) or words[-1] in MEANINGLESS_AT_THE_END)


def names(path: Path) -> set[str]:
    """All names in a file and of the file: folders, functions, classes, variables and parameters."""
    found = set(Path(name(path)).with_suffix("").parts)
    for node in ast.walk(tree(path)):
        if isinstance(node, Function | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def docstring(path: Path) -> str:
    """The docstring of a file."""
    return ast.get_docstring(tree(path)) or ""


def test_every_file_begins_with_a_docstring_of_one_sentence() -> None:
    others = {
        name(path): first for path in WRITTEN if not SENTENCE.fullmatch(first := docstring(path).split("\n\n")[0])
    }
    assert others == {}, "begin each of these files with a docstring whose first paragraph is one sentence"


def test_no_name_contains_a_meaningless_word() -> None:
    meaningless = {
        name(path): found
        for path in WRITTEN
        if (found := {identifier for identifier in names(path) if is_meaningless(identifier)} - AGREED)
    }
    assert meaningless == {}, "these names contain meaningless words: name what the thing is or does"


def test_no_file_is_left_out() -> None:
    assert {"server/cli.py", "domain/billing/transitions.py", "tests/house/test_docstrings_and_names.py"} <= {
        name(path) for path in WRITTEN
    }


@pytest.mark.parametrize("identifier", ["DateUtils", "invoice_manager", "_helper_of", "BillingService", "common"])
def test_a_meaningless_name_is_found_in_any_spelling(identifier: str) -> None:
    assert is_meaningless(identifier)


@pytest.mark.parametrize("identifier", ["service_date", "SERVICE_FROM", "serviceTo", "uncommon", "i", "__"])
def test_a_meaningful_name_is_accepted(identifier: str) -> None:
    assert not is_meaningless(identifier)
