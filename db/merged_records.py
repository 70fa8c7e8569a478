"""The SQL text by which hand-written statements follow merged patients and payers to the one that stays (decision 30)."""

import re

# A payer in the text of a statement that may follow merges, such as `<i.payer_id>`.
_MARKED = re.compile(r"<([a-z]+\.payer_id)>")
_LINKS = {"payer": "merged_payers", "patient": "merged_patients"}


def surviving(kind: str, identity: str, clinic: str = "$1") -> str:
    """The id of the record that stays, of a `payer` or `patient`: of one that was not merged its own.

    It is a select of its own, so that under row-level security an index can be asked for a value that the statement is given.
    """
    found = (
        f"(select link.survivor_id from {_LINKS[kind]} link where link.clinic_id = {clinic} and link.id = {identity})"
    )
    return f"(select coalesce({found}, {identity}))"


def joined(kind: str, alias: str, identity: str, clinic: str = "i.clinic_id") -> str:
    """The join to the `payer` or `patient` that stays, by a reference; with it, an index can be asked for each row."""
    link = f"{alias}_link"
    return f"""left join {_LINKS[kind]} {link} on {link}.clinic_id = {clinic} and {link}.id = {identity}
    join {kind}s {alias} on {alias}.clinic_id = {clinic}
        and {alias}.id = case when {link}.id is null then {identity} else {link}.survivor_id end"""


def group(kind: str, identity: str, clinic: str = "$1") -> str:
    """The ids of all records that are one with a `payer` or `patient`, itself included, as an array."""
    return f"""(select coalesce((select link.group_ids from {_LINKS[kind]} link where link.clinic_id = {clinic}
        and (link.id = {identity} or link.survivor_id = {identity}) limit 1), array[{identity}]))::uuid[]"""


def are_one(kind: str, one: str, other: str, clinic: str = "$1") -> str:
    """That two ids of a `payer` or `patient` are of one record."""
    return f"({one} = {other} or {surviving(kind, one, clinic)} = {surviving(kind, other, clinic)})"


def followed(text: str, clinic: str = "$1") -> str:
    """A text whose marked payers are those that stay."""
    return _MARKED.sub(lambda found: surviving("payer", found[1], clinic), text)


def stored(text: str) -> str:
    """A text whose marked payers are as they are stored: for clinics that have merged none."""
    return _MARKED.sub(r"\1", text)
