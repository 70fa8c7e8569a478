"""The recipes for BI tools work: an analyst's API token runs their queries, and their programs run."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from graphql import get_introspection_query

from domain.access.people import Role
from tests.conftest import SignIn
from tests.house.source import PROJECT
from tests.support.api.mutations import done
from tests.support.client import Client

_PAGE = (PROJECT / "docs" / "bi.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
_QUERIES = [body for kind, body in _BLOCKS if kind == "graphql" and not body.startswith("mutation")]
_PROGRAMS = [body for kind, body in _BLOCKS if kind == "python"]


@pytest.fixture(scope="module")
def token(sign_in: SignIn) -> str:
    """An API token, created as the page describes."""
    users = sign_in(Role.ADMIN).read("{ users(first: 50) { nodes { id role } } }")["users"]["nodes"]
    [analyst] = [user["id"] for user in users if user["role"] == "ANALYST"]
    made = done(sign_in(Role.ADMIN), "createApiToken", "token", userId=analyst, name="BI", expiresInDays=365)
    text: str = made if isinstance(made, str) else made["token"]
    return text


@pytest.fixture(scope="module")
def analyst(server_url: str, token: str) -> Client:
    return Client(server_url, token)


@pytest.mark.parametrize("query", _QUERIES)
def test_the_queries_of_the_page_are_answered(analyst: Client, query: str) -> None:
    assert analyst.read(query)


def test_the_programs_of_the_page_agree_with_the_reports(
    analyst: Client, server_url: str, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TOKEN", token), ("URL", server_url), ("FOLDER", str(tmp_path))):
        monkeypatch.setenv(f"BILLING_{name}", value)
    variables: dict[str, Any] = {}
    for program in _PROGRAMS:
        exec(program, variables)  # noqa: S102 (the page's own program is what is tried)
    report = analyst.read("{ aging { invoiceCount outstanding } agingByPayer { outstanding } }")
    assert len(variables["by_payer"]) > 5
    assert variables["by_payer"].sum() == pytest.approx(float(report["aging"]["outstanding"]))
    assert sum(row[1] for row in variables["total"]) == report["aging"]["invoiceCount"]
    assert sum(row[2] for row in variables["total"]) == Decimal(report["aging"]["outstanding"])


def test_the_power_bi_query_has_the_columns_that_it_reads(analyst: Client) -> None:
    [text] = [body for kind, body in _BLOCKS if kind == "m"]
    query = re.search(r'Query = "(.+)"', text)
    assert query
    rows = analyst.read(query[1])["agingByPayer"]
    assert {"payer", "outstanding", "invoiceCount"} <= set(rows[0])
    assert "name" in rows[0]["payer"]


def test_the_grafana_query_has_the_columns_that_it_reads(analyst: Client) -> None:
    [text] = [body for kind, body in _BLOCKS if kind == "json"]
    panel = json.loads(text)
    query = panel["url_options"]["body_graphql_query"]
    [argument] = re.findall(r"add `(asOf: .+)`, with a variable of month ends", _PAGE)
    back = query.replace("aging", f"aging({argument.replace(chr(92), '').replace('${monthEnd}', '2026-05-31')})")
    for asked in (query, back):
        found: Any = {"data": analyst.read(asked)}
        for step in panel["root_selector"].split("."):
            found = found[step]
        assert {column["selector"] for column in panel["columns"]} == set(found[0])


def test_a_tool_that_reads_the_schema_finds_flat_lists_and_definitions(analyst: Client) -> None:
    schema = analyst.read(get_introspection_query())["__schema"]
    named = {each["name"]: each for each in schema["types"]}
    for connection in ("InvoiceConnection", "PayerConnection", "PhysicianConnection", "FacilityConnection"):
        assert "nodes" in {field["name"] for field in named[connection]["fields"]}
    [rate] = [field for field in named["Analytics"]["fields"] if field["name"] == "netCollectionRate"]
    assert "received ÷ (billed less what contracts with payers take off and agreed reductions)" in rate["description"]
