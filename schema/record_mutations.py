"""Inputs and mutations that create, change and retire the records of a kind, generated from its fields."""

from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.tools import create_type

from domain.api_names import snake
from permissions.actions import ACTIONS
from permissions.classes import input_field
from resolvers.commands.unit_of_work import CommandFunction
from schema.commands import an, command, payload_of
from schema.keys import key


@dataclass(frozen=True, slots=True)
class RecordField:
    """An input of creating and changing a record: its type in the API, and whether a new record needs it.

    When a record is changed, every field may be omitted. `is_create_only` fields can be set for a new record alone, `is_update_only` ones for
    an existing one alone.
    """

    name: str
    type_: Any
    description: str
    is_required: bool = False
    default: Any = UNSET
    is_create_only: bool = False
    is_update_only: bool = False
    change_description: str = ""


@dataclass(frozen=True, slots=True)
class RecordCommands:
    """The commands that create, change and retire the records of a kind."""

    create: CommandFunction
    update: CommandFunction
    retire: CommandFunction


@dataclass(frozen=True, slots=True)
class RecordTexts:
    """The descriptions of a kind's inputs and mutations; those that are empty follow from its word."""

    identity: str = ""
    new: str = ""
    new_argument: str = ""
    create: str = ""
    changes: str = ""
    update: str = ""
    retired: str = ""
    retire: str = ""


def record_mutations(
    record: type,
    word: str,
    fields: tuple[RecordField, ...],
    commands: RecordCommands,
    texts: RecordTexts = RecordTexts(),
    *,
    has_users: bool = False,
    warns: bool = False,
) -> Any:
    """A type with the mutations create_…, update_… and retire_… of a record's type; their rule is that of ACTIONS.

    If users belong to records of the type, retiring one ends their access. Payloads have `warnings` where the commands warn.
    """
    stem = snake(record.__name__)
    rule = ACTIONS[f"create_{stem}"]
    payload = payload_of(record, rule, word, rejected="change", warns=warns)
    inputs = _Inputs(record, stem, rule, word, texts)
    made = [
        command(
            f"create_{stem}",
            commands.create,
            texts.create or f"Create {an(word)}.",
            inputs.create(fields),
            texts.new_argument or f"The new {word}.",
            payload,
        ),
        command(
            f"update_{stem}",
            commands.update,
            texts.update or f"Change {an(word)}.",
            inputs.update(fields),
            f"The {word} and the changes.",
            payload,
            ends_access=has_users,
        ),
        command(
            f"retire_{stem}",
            commands.retire,
            texts.retire or f"Retire {an(word)}. Existing records that refer to the {word} stay as they are.",
            inputs.retire(),
            f"The {word} to retire.",
            payload,
            ends_access=has_users,
        ),
    ]
    return create_type(f"{record.__name__}Mutations", made)


@dataclass(frozen=True, slots=True)
class _Inputs:
    """The input types of a kind of record."""

    record: type
    stem: str
    rule: str
    word: str
    texts: RecordTexts

    def create(self, fields: tuple[RecordField, ...]) -> type:
        columns = [
            (one.name, _created(one), input_field(self.rule, one.description, **_default(one)))
            for one in fields
            if not one.is_update_only
        ]
        return self._made("Create", self.texts.new or f"A new {self.word}.", columns)

    def update(self, fields: tuple[RecordField, ...]) -> type:
        columns = [self._identity()]
        columns += [
            (one.name, one.type_ | None, input_field(self.rule, one.change_description or one.description))
            for one in fields
            if not one.is_create_only
        ]
        described = f"Changes to {an(self.word)}; omitted fields stay as they are, null clears a field."
        return self._made("Update", self.texts.changes or described, columns)

    def retire(self) -> type:
        described = f"The {self.word} to retire. A retired {self.word} cannot be chosen for new records."
        return self._made("Retire", self.texts.retired or described, [self._identity()])

    def _identity(self) -> tuple[str, Any, Any]:
        described = self.texts.identity or f"The id of the {self.word}."
        return f"{self.stem}_id", strawberry.ID, input_field(self.rule, described)

    def _made(self, verb: str, description: str, columns: list[tuple[str, Any, Any]]) -> type:
        columns = [*columns, ("idempotency_key", str | None, key(self.rule))]
        members = {name: field for name, _, field in columns}
        types = {name: type_ for name, type_, _ in columns}
        made = type(
            f"{verb}{self.record.__name__}Input",
            (),
            {"__annotations__": types, "__module__": self.record.__module__, **members},
        )
        return strawberry.input(description=description)(made)


def _created(one: RecordField) -> Any:
    return one.type_ if one.is_required or one.default is not UNSET else one.type_ | None


def _default(one: RecordField) -> dict[str, Any]:
    if one.default is list:
        return {"default_factory": list}
    return {} if one.default is UNSET else {"default": one.default}


def active(word: str, description: str = "") -> RecordField:
    """The field with which a retired record is reactivated."""
    described = description or f"Whether the {word} can be chosen for new records; true reactivates a retired {word}."
    return RecordField("active", bool, described, is_update_only=True)
