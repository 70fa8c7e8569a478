"""The page for client apps shows what its tests run: code of the scripts, documents of the schema, versions of the libraries."""

import json
import re

import pytest
from graphql import build_schema, parse, validate

from tests.house.source import PROJECT

PAGE = (PROJECT / "docs" / "clients.md").read_text(encoding="utf-8")
_HERE = PROJECT / "tests" / "clients"
_BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
_SCRIPTS = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted(_HERE.glob("*.*")) if path.suffix in (".mjs", ".py")
)


def blocks(language: str) -> list[str]:
    """The code blocks of the page in a language."""
    return [text for name, text in _BLOCKS if name == language]


@pytest.mark.parametrize("code", [*blocks("js"), *blocks("python")])
def test_the_code_of_the_page_is_in_a_script_that_is_run(code: str) -> None:
    assert code in _SCRIPTS


@pytest.mark.parametrize("document", blocks("graphql"))
def test_the_documents_of_the_page_are_valid_for_billing_staff(document: str) -> None:
    schema = build_schema((PROJECT / "schemas" / "billing.graphql").read_text(encoding="utf-8"))
    assert validate(schema, parse(document)) == []


def test_the_versions_of_the_page_are_those_that_are_installed() -> None:
    wanted = json.loads((_HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    for name in ("apollo-client-3", "apollo-client-4", "@urql/core", "relay-runtime", "graphql-ws", "graphql-http"):
        assert f"{wanted[name].rpartition('@')[2]}" in PAGE, name
    for library, version in re.findall(r'"([a-z-]+)(?:\[\S+\])?==([0-9.]+)"', _SCRIPTS):
        assert re.search(rf"\| {library} \(Python\) \| {re.escape(version)} \|", PAGE), library
