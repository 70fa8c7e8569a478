"""The values in random documents: those of the database, in reach and out of reach, and some that do not exist."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import asyncpg

from db.global_ids import TAGS, make_id, read_id
from permissions.viewers import Viewer
from tests.bench.textbook.models import Model
from tests.bench.textbook.reach import reach
from tests.support.oracle.edge_cases import EDGE_CASE_NAMES

_NOWHERE = UUID("019b0000-0000-7000-8000-000000000000")
_PEOPLE = (
    "select first_name || ' ' || last_name from patients union select name from payers union select firm from attorneys"
)
_ODD_STARTS = (
    "",
    " ",
    "%",
    "_",
    "\\",
    "'",
    '"',
    "O'",
    "inv-",
    "INV-20",
    "  inv-2026 ",
    "ODD ",
    "odd/",
    "odd_",
    "1",
    "zz",
    "é",
    "ÉÀ-",
    "éà-",
    "Straße",
    "STRASSE",
)
_SHORTEST, _LONGEST = 1, 12


@dataclass
class Facts:
    """Values for arguments. `cursors` holds those of earlier answers: type of row and (field, direction) of its order → cursors."""

    in_reach: dict[str, list[str]] = field(default_factory=dict)
    out_of_reach: dict[str, list[str]] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    amounts: list[str] = field(default_factory=list)
    cursors: dict[tuple[str, tuple[str, str] | None], list[str]] = field(default_factory=dict)

    def id(self, rng: Random, type_name: str) -> str:
        """An id of a type: mostly in reach, else foreign, unknown, or of another type."""
        chance = rng.random()
        own, foreign = self.in_reach.get(type_name, []), self.out_of_reach.get(type_name, [])
        if own and chance < 0.7:
            return rng.choice(own)
        if foreign and chance < 0.85:
            return rng.choice(foreign)
        if chance < 0.92:
            return make_id(type_name, _NOWHERE)
        other = rng.choice([one for ids in self.in_reach.values() for one in ids])
        found = read_id(rng.choice(own or [other]))
        assert found is not None
        # The id of another type, or the right UUID with the wrong type.
        return rng.choice([other, make_id(rng.choice(list(self.in_reach)), found[1])])

    def search(self, rng: Random) -> str:
        """The beginning of a name or number, in upper or lower case, or an odd text."""
        if rng.random() < 0.25:
            return rng.choice(_ODD_STARTS)
        words = rng.choice([self.names, self.numbers, [" ".join(name) for name in EDGE_CASE_NAMES]])
        text = rng.choice(words)
        start = rng.choice([0, *(place + 1 for place, letter in enumerate(text) if letter == " ")])
        beginning = text[start : start + rng.randint(_SHORTEST, _LONGEST)]
        return rng.choice([beginning, beginning.upper(), beginning.lower(), f" {beginning}  "])


async def gather_facts(connection: asyncpg.Connection, viewer: Viewer) -> Facts:
    """The values of a database, read by its owner."""

    async def column(query: str) -> list[str]:
        return [row[0] for row in await connection.fetch(query)]

    facts = Facts(
        numbers=await column("select number from invoices union all select number from cases"),
        names=await column(_PEOPLE),
        codes=await column("select distinct code from cpt_codes"),
        days=await column(
            "select distinct created_on::text from invoices union select service_date::text from invoices"
        ),
        amounts=await column("select distinct billed_amount::text from invoices"),
    )
    for mapper in Model.registry.mappers:
        await _gather_ids(connection, viewer, mapper.class_, facts)
    return facts


async def _gather_ids(connection: asyncpg.Connection, viewer: Viewer, model: type[Model], facts: Facts) -> None:
    """The ids of every type that has published ids."""
    table, name = model.__table__, model.__name__
    within = reach(viewer, table).compile(compile_kwargs={"literal_binds": True})  # type: ignore[arg-type]
    found: Sequence[asyncpg.Record] = await connection.fetch(
        f"select id, coalesce({within}, false) as is_own from {table.description} order by id"
    )
    if name not in TAGS:
        return
    facts.in_reach[name] = [make_id(name, row["id"]) for row in found if row["is_own"]]
    facts.out_of_reach[name] = [make_id(name, row["id"]) for row in found if not row["is_own"]]
