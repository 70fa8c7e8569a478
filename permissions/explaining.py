"""Explains why a role sees a schema coordinate or does not: the rule, the pruning that hides it, and the rows in reach."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from domain.access.people import Role
from permissions.coordinates import Mark, is_seen
from permissions.rows import ROWS
from permissions.rules import RULES

NO_ROWS = "none"
_NO_RULE = "It has no rule of its own: it is visible where one of its members is visible and something that is visible leads to it"


@dataclass(frozen=True, slots=True)
class Part:
    """An element of the schema, with its rule and the other elements on which its visibility depends.

    `of` is its parent (None for a type), `gives` its type, `needs` the coordinates of its required arguments or inputs.
    """

    mark: Mark | None
    of: str | None = None
    gives: str | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Book:
    """A whole schema by coordinate, the coordinates in each role's schema, and the table behind each type."""

    parts: Mapping[str, Part]
    served: Mapping[Role | None, frozenset[str]]
    tables: Mapping[str, str]

    @cached_property
    def marks(self) -> dict[str, Mark | None]:
        """The rule of every coordinate that has one."""
        return {name: part.mark for name, part in self.parts.items() if part.mark}


@dataclass(frozen=True, slots=True)
class Followed:
    """A coordinate whose rule another coordinate follows, and whether the role sees it."""

    coordinate: str
    visible: bool
    rule: str | None
    words: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a role sees a coordinate or does not; `rows` is the role's reach into the table behind it, None without a table."""

    coordinate: str
    role: Role | None
    visible: bool
    rule: str | None
    words: str
    reason: str
    follows: tuple[Followed, ...]
    hidden_by: tuple[str, ...]
    rows: str | None


def explain(book: Book, role: Role | None, coordinate: str) -> Explanation:
    """Why a role (None: anonymous callers) sees a coordinate or does not; KeyError where the schema has no such coordinate."""
    part, visible = book.parts[coordinate], coordinate in book.served[role]
    marks = book.marks
    follows = tuple(_followed(name, role, marks) for name in _names_followed(part))
    hidden_by, reason = ((), _why_visible(part)) if visible else _why_hidden(book, role, coordinate, marks)
    rule, words = _rule_of(part.mark)
    rows = _rows(book, role, coordinate) if visible else None
    return Explanation(coordinate, role, visible, rule, words, reason, follows, hidden_by, rows)


def described(found: Explanation) -> str:
    """An explanation as lines for a terminal."""
    state = "visible to" if found.visible else "hidden from"
    rule = f"{found.rule}: {found.words}" if found.rule else found.words
    lines = [
        f"{found.coordinate} is {state} {found.role or 'anonymous callers'}",
        f"reason   {found.reason}",
        f"rule     {rule}",
    ]
    lines += [
        f"follows  {each.coordinate}, {'visible' if each.visible else 'hidden'}: {each.words}" for each in found.follows
    ]
    return "\n".join([*lines, f"rows     {found.rows}"] if found.rows else lines)


def _names_followed(part: Part) -> tuple[str, ...]:
    return part.mark if isinstance(part.mark, tuple) else ()


def _followed(name: str, role: Role | None, marks: Mapping[str, Mark | None]) -> Followed:
    return Followed(name, is_seen(name, role, marks), *_rule_of(marks[name]))


def _rule_of(mark: Mark | None) -> tuple[str | None, str]:
    """The name and the words of a rule; no name where other coordinates are followed."""
    if isinstance(mark, str):
        return mark, RULES[mark].words
    return None, f"It follows {_listed(mark)}: a role that sees all of them sees it" if mark else _NO_RULE


def _why_visible(part: Part) -> str:
    if isinstance(part.mark, str):
        return f"The rule {part.mark} allows it"
    return (
        f"Everything that it follows is visible: {_listed(part.mark)}" if part.mark else "Something visible leads to it"
    )


def _why_hidden(
    book: Book, role: Role | None, coordinate: str, marks: Mapping[str, Mark | None]
) -> tuple[tuple[str, ...], str]:
    """The other coordinates that hide a coordinate, and the reason in words."""
    part = book.parts[coordinate]
    if isinstance(part.mark, str) and not RULES[part.mark].allows(role):
        return (), f"The rule {part.mark} does not allow it"
    hidden = tuple(name for name in _names_followed(part) if not is_seen(name, role, marks))
    if hidden:
        return hidden, f"It follows what is hidden: {_listed(hidden)}"
    begin = f"{_own_rule(part)} would allow it, but " if part.mark else "It has no rule of its own, and "
    for names, why in _prunings(book, role, coordinate, marks):
        if names:
            return names, begin + why
    return (), f"{begin}nothing that is visible leads to it"


def _own_rule(part: Part) -> str:
    return f"The rule {part.mark}" if isinstance(part.mark, str) else "What it follows"


def _prunings(
    book: Book, role: Role | None, coordinate: str, marks: Mapping[str, Mark | None]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """The reasons for pruning a coordinate that its rule allows: the missing coordinates, each with the reason in words."""
    part, served = book.parts[coordinate], book.served[role]
    belongs = (
        tuple(name for name in (part.of,) if name and name not in served),
        f"it belongs to {part.of}, which is hidden",
    )
    if part.of and book.parts[part.of].of:
        # An argument is removed with its field, independent of the argument's type.
        yield belongs
    yield tuple(name for name in (part.gives,) if name and name not in served), f"its type {part.gives} is hidden"
    missing = tuple(name for name in part.needs if not is_seen(name, role, marks) or _is_pruned(book, role, name))
    yield missing, f"it requires {_listed(missing)}, which is hidden"
    members = [name for name, member in book.parts.items() if member.of == coordinate] if part.of is None else []
    is_empty = not any(is_seen(name, role, marks) and not _is_pruned(book, role, name) for name in members)
    yield tuple(members if is_empty else ()), "none of its members is visible"
    yield belongs


def _is_pruned(book: Book, role: Role | None, coordinate: str) -> bool:
    gives = book.parts[coordinate].gives
    return gives is not None and gives not in book.served[role]


def _rows(book: Book, role: Role | None, coordinate: str) -> str | None:
    """The role's reach into the rows of the type that a coordinate belongs to or, for a root field or connection, returns."""
    for name in _types_of(book, coordinate):
        table = book.tables.get(name.removesuffix("Connection").removesuffix("Edge"))
        if table:
            reach = ROWS.get(table, {}).get(role) if role else None
            return reach.value if reach else NO_ROWS
    return None


def _types_of(book: Book, coordinate: str) -> Iterator[str]:
    """The types that a coordinate is about, the innermost first: its parent type, then the type of its value."""
    part, name = book.parts[coordinate], coordinate
    while (of := book.parts[name].of) is not None:
        name = of
    yield name
    outer = book.parts[part.of] if part.of else part
    yield from (gives for gives in (part.gives, outer.gives) if gives)


def _listed(names: tuple[str, ...] | None) -> str:
    return ", ".join(names or ())
