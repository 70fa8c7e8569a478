"""Each module that the glossary names contains the term."""

import re

import pytest

from tests.house.source import PROJECT

GLOSSARY = PROJECT / "docs" / "glossary.md"
ROW = re.compile(r"^\| ([^|]+) \| [^|]+ \| `([^`]+)` \|$", re.MULTILINE)
TERMS: list[tuple[str, str]] = ROW.findall(GLOSSARY.read_text(encoding="utf-8"))


def test_the_glossary_has_rows() -> None:
    assert len(TERMS) > 20


def test_each_term_is_explained_once() -> None:
    terms = [term for term, _ in TERMS]
    assert sorted(terms) == sorted(set(terms)), "docs/glossary.md explains a term twice: keep the better row"


@pytest.mark.parametrize(("term", "module"), TERMS, ids=[term for term, _ in TERMS])
def test_the_module_of_a_term_contains_it(term: str, module: str) -> None:
    text = " ".join((PROJECT / module).read_text(encoding="utf-8").lower().replace("#", " ").split())
    assert re.search(term.lower().replace(" ", r"[\s_-]+"), text), (
        f"{module} does not contain {term!r}: use it in the docstring of the module or class, or correct docs/glossary.md"
    )
