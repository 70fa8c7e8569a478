"""Decides who measures: the demo clinic's users, signed in as any client is, and the invoices that they ask for."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson

from db.identity import make_id
from db.pools import entering
from db.security import login_for
from domain.people import Role
from permissions.viewers import Viewer
from server.addresses import Address
from tests.bench.cases import Case
from tests.bench.clinics import PASSWORD

ROLES = (Role.BILLING, Role.ATTORNEY)
_IDS = 1_000


@dataclass(frozen=True)
class Asker:
    """The viewers of one clinic, by role, and ids of some of its invoices."""

    viewers: dict[Role, Viewer]
    invoices: list[UUID]

    def bodies(self, case: Case) -> list[str]:
        """The requests of a case, to be sent in turn."""
        if not case.has_id:
            return [orjson.dumps({"query": case.query}).decode()]
        ids = [make_id("Invoice", identity) for identity in self.invoices]
        return [orjson.dumps({"query": case.query, "variables": {"id": one}}).decode() for one in ids]

    def order_of_limit(self, address: Address, *, read_only: bool = True) -> str:
        """What the limit is told: the same addresses, roles and settings as the server uses."""
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


async def find_asker(address: Address) -> Asker:
    """Who asks in a clinic, read as the database's owner."""
    connection = await asyncpg.connect(address.owner)
    try:
        viewers = {role: await _viewer(connection, role) for role in ROLES}
        # Spread over the whole table, always the same ones.
        found = await connection.fetch(
            "select id from invoices where clinic_id = $1 order by hashtext(id::text), id limit $2",
            viewers[Role.BILLING].clinic_id,
            _IDS,
        )
        return Asker(viewers, [row["id"] for row in found])
    finally:
        await connection.close()


async def _viewer(connection: asyncpg.Connection, role: Role) -> Viewer:
    row = await connection.fetchrow(
        """select u.*, c.short_name, c.name as clinic_name, c.time_zone from users u join clinics c using (clinic_id)
        where u.email = $1""",
        f"{role}@demo.clinic",
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
    """A token for the demo user of a role."""
    query = "mutation SignIn($input: SignInInput!) { signIn(input: $input) { token } }"
    answer = ask(
        port,
        "/graphql",
        {"query": query, "variables": {"input": {"email": f"{role}@demo.clinic", "password": PASSWORD}}},
    )
    token: str = answer["data"]["signIn"]["token"]
    return token


def ask(port: int, path: str, body: dict[str, Any] | str, token: str = "") -> Any:
    """What a server answers to one request, decoded."""
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    headers = {"content-type": "application/json", "accept": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    response = httpx.post(f"http://127.0.0.1:{port}{path}", content=raw, headers=headers, timeout=60, trust_env=False)
    response.raise_for_status()
    return orjson.loads(response.content)
