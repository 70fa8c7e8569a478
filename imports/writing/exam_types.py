"""Compares the rows of a file with the clinic's tree of exams and writes new and changed ones: main exams, and sub-exams below them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.ids import new_id
from imports.checking import Checked, Row
from imports.rows import insert, update
from imports.target import Target

# Locked, so that no exam is changed or retired meanwhile.
_KNOWN = """select id, parent_id, name, code, selection_rule, position, active from exam_types where clinic_id = $1
    order by id for no key update"""
_VALUES = ("code", "selection_rule", "position")
_NO_CODE = "A sub-exam needs a code, under which it is billed"
_TOO_DEEP = "This is a sub-exam: a sub-exam cannot have sub-exams of its own"
# The normal forms of the names of main exam (empty for a main exam) and exam.
Key = tuple[str, str]


@dataclass(slots=True)
class _Tree:
    """The clinic's exams by their names, and what the file changes of them."""

    known: Mapping[Key, Sequence[Mapping[str, Any]]]
    # The last position among the exams of a main exam, or among the main exams.
    last: dict[str, int] = field(default_factory=lambda: defaultdict(lambda: -1))
    ids: dict[Key, UUID] = field(default_factory=dict)
    added: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)


async def write_exam_types(target: Target, checked: Checked) -> None:
    """Compare the rows with the tree and write new and changed exams; nothing if a single row is bad."""
    tree = await asyncio.to_thread(_compare, target, checked, await target.find(_KNOWN))
    if checked.problems.lines:
        return
    if tree.added:
        # Main exams come first.
        await insert(target, "exam_types", tree.added)
    if tree.changed:
        await update(target, "exam_types", tree.changed)


def _compare(target: Target, checked: Checked, known: Sequence[Mapping[str, Any]]) -> _Tree:
    tree = _Tree(_by_name(checked, known))
    for (parent, _), exams in tree.known.items():
        tree.last[parent] = max(tree.last[parent], *(exam["position"] for exam in exams))
    _check_parents(checked, tree)
    rows = checked.without_bad()
    for row in (
        *(row for row in rows if not row.values["parent_key"]),
        *(row for row in rows if row.values["parent_key"]),
    ):
        _compare_row(target, checked, tree, row)
    checked.rows = checked.without_bad()
    return tree


def _by_name(checked: Checked, known: Iterable[Mapping[str, Any]]) -> Mapping[Key, Sequence[Mapping[str, Any]]]:
    exams = {exam["id"]: exam for exam in known}
    found = defaultdict[Key, list[Mapping[str, Any]]](list)
    for exam in exams.values():
        above = exams.get(exam["parent_id"])
        names = checked.kind.keys_of({"parent": above["name"] if above else "", "name": exam["name"]})
        found[names["parent_key"], names["name_key"]].append(exam)
    # One in use goes before retired ones of the same name.
    return {key: [exam for exam in several if exam["active"]] or several for key, several in found.items()}


def _check_parents(checked: Checked, tree: _Tree) -> None:
    """Report rows whose main exam does not exist, is a sub-exam itself, or is below them."""
    keys = [(row.values["parent_key"], row.values["name_key"]) for row in checked.rows]
    main = {name for parent, name in (*keys, *tree.known) if not parent}
    above = {name: parent for parent, name in keys if parent and name not in main}
    spelled = {row.values["name_key"]: row.values["name"] for row in checked.rows}
    below = {name for parent, name in tree.known if parent} | above.keys()
    for row in checked.rows:
        parent = row.values["parent_key"]
        if parent and parent not in main:
            circle = _circle(above, spelled, row.values["name_key"])
            reason = (
                f"The main exams of this row lead back to it: {circle}"
                if circle
                else _TOO_DEEP
                if parent in below
                else "There is no main exam of this name, neither in this file nor in the clinic"
            )
            checked.refuse(row, "parent", reason, row.values["parent"])


def _circle(above: Mapping[str, str], spelled: Mapping[str, str], name: str) -> str | None:
    """The way from an exam by what is above it back to itself; None if it does not lead back."""
    way, here = [name], above.get(name)
    while here is not None and here not in way:
        way.append(here)
        here = above.get(here)
    return " → ".join(spelled[one] for one in (*way, name)) if here == name else None


def _compare_row(target: Target, checked: Checked, tree: _Tree, row: Row) -> None:
    values = row.values
    key = (values["parent_key"], values["name_key"])
    several = tree.known.get(key, ())
    before = several[0] if several else None
    if len(several) > 1 or len(tree.known.get(("", key[0]), ())) > 1:
        checked.refuse(row, "parent" if len(several) < 2 else "name", "Several existing exams match", values["name"])  # noqa: PLR2004 (one is enough)
        return
    if before is None and key[0] and not _in_use(tree, key[0]):
        checked.refuse(row, "parent", "The main exam of this name is retired", values["parent"])
        return
    wanted = {name: _wanted(checked, name, values, before) for name in _VALUES}
    if key[0] and wanted["code"] is None:
        checked.refuse(row, "code", _NO_CODE)
        return
    if before is None:
        _add(target, tree, row, wanted)
        return
    tree.ids[key] = before["id"]
    others = {name: value for name, value in wanted.items() if value != before[name]}
    if others:
        row.is_changed = True
        tree.changed.append({"id": before["id"], **others})


def _in_use(tree: _Tree, main: str) -> bool:
    exams = tree.known.get(("", main))
    return exams is None or exams[0]["active"]


def _wanted(checked: Checked, name: str, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> Any:
    """The value of a row; that of the exam where the file has no such column, or leaves its place open."""
    if before is None or (name in checked.present_columns and (name != "position" or values[name] is not None)):
        return values[name]
    return before[name]


def _add(target: Target, tree: _Tree, row: Row, wanted: Mapping[str, Any]) -> None:
    parent, name = row.values["parent_key"], row.values["name_key"]
    place = wanted["position"] if wanted["position"] is not None else tree.last[parent] + 1
    tree.last[parent] = max(tree.last[parent], place)
    row.is_new, identity = True, new_id(target.moment)
    above = tree.ids.get(("", parent)) or (tree.known[("", parent)][0]["id"] if parent else None)
    tree.ids[parent, name] = identity
    fixed = {"id": identity, "recorded_at": target.moment, "parent_id": above, "name": row.values["name"]}
    tree.added.append({**fixed, **wanted, "position": place})
