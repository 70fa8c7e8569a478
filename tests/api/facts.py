"""Decides with which values random documents ask: what is in the database, in reach and out of it, and what is nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import asyncpg

from db.identity import TAGS, make_id, read_id
from permissions.viewers import Viewer
from tests.api.oddities import ODD_NAMES
from tests.bench.textbook.models import Model
from tests.bench.textbook.reach import reach

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
    """Values to ask with. `cursors` holds those of earlier answers: type of row and (field, direction) of its order → cursors."""

    in_reach: dict[str, list[str]] = field(default_factory=dict)
    out_of_reach: dict[str, list[str]] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    amounts: list[str] = field(default_factory=list)
    cursors: dict[tuple[str, tuple[str, str] | None], list[str]] = field(default_factory=dict)

    def id(self, dice: Random, type_name: str) -> str:
        """An id of a type: in reach more often than not, else foreign, unknown, or of something else."""
        chance = dice.random()
        own, foreign = self.in_reach.get(type_name, []), self.out_of_reach.get(type_name, [])
        if own and chance < 0.7:
            return dice.choice(own)
        if foreign and chance < 0.85:
            return dice.choice(foreign)
        if chance < 0.92:
            return make_id(type_name, _NOWHERE)
        other = dice.choice([one for ids in self.in_reach.values() for one in ids])
        found = read_id(dice.choice(own or [other]))
        assert found is not None
        # The id of something else, or the right number under the wrong type.
        return dice.choice([other, make_id(dice.choice(list(self.in_reach)), found[1])])

    def search(self, dice: Random) -> str:
        """The beginning of a name or number, in any case, or of nothing."""
        if dice.random() < 0.25:
            return dice.choice(_ODD_STARTS)
        words = dice.choice([self.names, self.numbers, [" ".join(name) for name in ODD_NAMES]])
        text = dice.choice(words)
        start = dice.choice([0, *(place + 1 for place, letter in enumerate(text) if letter == " ")])
        beginning = text[start : start + dice.randint(_SHORTEST, _LONGEST)]
        return dice.choice([beginning, beginning.upper(), beginning.lower(), f" {beginning}  "])


async def gather_facts(connection: asyncpg.Connection, viewer: Viewer) -> Facts:
    """What there is to ask for, seen by the owner of the database."""

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
    """Every type's ids but those of links, which have none that anybody sees."""
    table, name = model.__table__, model.__name__
    within = reach(viewer, table).compile(compile_kwargs={"literal_binds": True})  # type: ignore[arg-type]
    found: Sequence[asyncpg.Record] = await connection.fetch(
        f"select id, coalesce({within}, false) as is_own from {table.description} order by id"
    )
    if name not in TAGS:
        return
    facts.in_reach[name] = [make_id(name, row["id"]) for row in found if row["is_own"]]
    facts.out_of_reach[name] = [make_id(name, row["id"]) for row in found if not row["is_own"]]
