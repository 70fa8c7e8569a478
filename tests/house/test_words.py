"""Decides how files say what they are for, and which words name nothing."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.source import LAYERS, Function, files, name, tree

# Each of these is where things go whose name nobody has found yet.
EMPTY_WORDS = {"util", "utils", "helper", "helpers", "common", "manager", "misc"}
# A service date is a day; something that is a service is anything.
EMPTY_AT_THE_END = {"service", "services"}
WRITTEN = [path for path in files(*LAYERS, "tests") if path.read_text(encoding="utf-8").strip()]
SENTENCE = re.compile(r"[A-Z](?:(?!\.\s).)*\.", re.DOTALL)


# From the day of treatment: a word of the agreed surface.
AGREED = {"SERVICE"}


def is_empty(identifier: str) -> bool:
    """Whether a name, however it is spelled, says nothing of what is named."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)]
    return bool(words) and (not EMPTY_WORDS.isdisjoint(words) or words[-1] in EMPTY_AT_THE_END)


def names(path: Path) -> set[str]:
    """What gets a name in a file, and the file's own: folders, functions, classes, what is assigned, what is taken."""
    found = set(Path(name(path)).with_suffix("").parts)
    for node in ast.walk(tree(path)):
        if isinstance(node, Function | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_a_file_says_in_one_sentence_what_it_is_for(path: Path) -> None:
    first = (ast.get_docstring(tree(path)) or "").split("\n\n")[0]
    assert SENTENCE.fullmatch(first), first


@pytest.mark.parametrize("path", [path for path in WRITTEN if not name(path).startswith("tests/")], ids=name)
def test_a_file_of_the_product_says_what_it_decides(path: Path) -> None:
    assert (ast.get_docstring(tree(path)) or "").startswith("Decides ")


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_every_name_says_what_is_named(path: Path) -> None:
    assert {identifier for identifier in names(path) if is_empty(identifier)} <= AGREED


@pytest.mark.parametrize("identifier", ["DateUtils", "invoice_manager", "_helper_of", "BillingService", "common"])
def test_an_empty_name_is_found_in_any_spelling(identifier: str) -> None:
    assert is_empty(identifier)


@pytest.mark.parametrize("identifier", ["service_date", "SERVICE_FROM", "serviceTo", "uncommon", "i", "__"])
def test_a_name_that_says_something_passes(identifier: str) -> None:
    assert not is_empty(identifier)
