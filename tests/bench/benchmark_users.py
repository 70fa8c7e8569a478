"""The users of the benchmark: those of the demo clinic, signed in as any client is, and the invoices that they request."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson

from db.global_ids import make_id
from db.pools import entering
from db.security.policies import login_for
from domain.access.people import Role
from permissions.viewers import Viewer
from server.database_urls import DatabaseUrls
from tests.bench.cases import Case
from tests.bench.clinics import PASSWORD

ROLES = (Role.BILLING, Role.ATTORNEY)
# The domain of the demo clinic, now and in earlier releases, which are measured beside this one.
_DOMAINS = ("demo.example", "demo.clinic")
_IDS = 1_000
# One client for all requests, since creating one takes longer than a request; no keep-alive, since servers start and stop.
_CLIENT = httpx.Client(timeout=60, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


@dataclass(frozen=True)
class BenchmarkUsers:
    """The users of one clinic, by role, and ids of some of its invoices."""

    viewers: dict[Role, Viewer]
    invoices: list[UUID]

    def bodies(self, case: Case) -> list[str]:
        """The requests of a case, to be sent in turn."""
        if not case.has_id:
            return [orjson.dumps({"query": case.query}).decode()]
        ids = [make_id("Invoice", identity) for identity in self.invoices]
        return [orjson.dumps({"query": case.query, "variables": {"id": one}}).decode() for one in ids]

    def order_of_limit(self, address: DatabaseUrls, *, read_only: bool = True) -> str:
        """The arguments of the limit: the same addresses, roles and settings as the server uses."""
        return orjson.dumps(
            {
                "dsns": {str(role): address.login(login_for(role)) for role in ROLES},
                "entering": {str(role): entering(viewer, read_only=read_only) for role, viewer in self.viewers.items()},
                "clinic_id": str(self.viewers[Role.BILLING].clinic_id),
                "attorney_id": str(self.viewers[Role.ATTORNEY].person_id),
                "user_id": str(self.viewers[Role.BILLING].user_id),
                "time_zone": self.viewers[Role.BILLING].time_zone,
            }
        ).decode()


async def find_benchmark_users(address: DatabaseUrls) -> BenchmarkUsers:
    """The users of a clinic, read as the database's owner."""
    connection = await asyncpg.connect(address.owner)
    try:
        viewers = {role: await _viewer(connection, role) for role in ROLES}
        # A fixed sample, spread over the whole table.
        found = await connection.fetch(
            "select id from invoices where clinic_id = $1 order by hashtext(id::text), id limit $2",
            viewers[Role.BILLING].clinic_id,
            _IDS,
        )
        return BenchmarkUsers(viewers, [row["id"] for row in found])
    finally:
        await connection.close()


async def _viewer(connection: asyncpg.Connection, role: Role) -> Viewer:
    row = await connection.fetchrow(
        """select u.*, c.short_name, c.name as clinic_name, c.time_zone from users u join clinics c using (clinic_id)
        where u.email = any($1)""",
        [f"{role}@{domain}" for domain in _DOMAINS],
    )
    assert row
    return Viewer(
        clinic_id=row["clinic_id"],
        user_id=row["id"],
        session_id=row["id"],
        role=role,
        person_id=row["attorney_id"] or row["physician_id"],
        email=row["email"],
        name=row["name"],
        clinic_short_name=row["short_name"],
        clinic_name=row["clinic_name"],
        time_zone=row["time_zone"],
    )


def sign_in(port: int, role: Role) -> str:
    """A bearer token for the demo user of a role."""
    query = "mutation SignIn($input: SignInInput!) { signIn(input: $input) { token } }"
    for domain in _DOMAINS:
        credentials = {"email": f"{role}@{domain}", "password": PASSWORD}
        answer = ask(port, "/graphql", {"query": query, "variables": {"input": credentials}})
        if token := (answer["data"]["signIn"] or {}).get("token"):
            return str(token)
    raise AssertionError(f"the demo clinic has no {role} who can sign in")


def ask(port: int, path: str, body: dict[str, Any] | str, token: str = "") -> Any:
    """The decoded answer of a server to one request."""
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    headers = {"content-type": "application/json", "accept": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    response = _CLIENT.post(f"http://127.0.0.1:{port}{path}", content=raw, headers=headers)
    response.raise_for_status()
    return orjson.loads(response.content)
