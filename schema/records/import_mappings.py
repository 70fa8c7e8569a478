"""GraphQL types and mutations of mappings of files to import: how a file is read, as a type and as an input of the same fields."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from types import GenericAlias
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from db.global_ids import make_id
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field
from resolvers.commands.records import import_mappings
from resolvers.commands.records.import_mappings import SavedMapping
from resolvers.commands.unit_of_work import UnitOfWork, run_command
from schema.errors import UserError, user_errors
from schema.keys import key
from schema.records.import_enums import CellFormat, ImportKind

_RULE = "staff"
# The default of a field that an input must have.
_NEEDED: Any = object()


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a part: its type or the name of another part, its description, and its default in an input."""

    type_: Any
    description: str
    default: Any = _NEEDED
    is_list: bool = False
    is_optional: bool = False

    def annotation(self, made: Mapping[str, Any]) -> Any:
        """The type, among the parts that are made already."""
        found = made[self.type_] if isinstance(self.type_, str) else self.type_
        found = GenericAlias(list, (found,)) if self.is_list else found
        return found | None if self.is_optional else found

    def as_input(self) -> Any:
        """The field of the input."""
        default = {"default_factory": list} if self.default is list else {"default": self.default}
        return input_field(_RULE, self.description, **({} if self.default is _NEEDED else default))


def _optional(type_: Any, description: str) -> _Field:
    return _Field(type_, description, is_optional=True)


def _list(type_: Any, description: str, default: Any = list) -> _Field:
    return _Field(type_, description, default, is_list=True)


# Part → its description and its fields; parts that are named in others come first.
_PARTS: dict[str, tuple[str, dict[str, _Field]]] = {
    "ImportSource": (
        "A column of the file: by its header, by its position, or by both, which must then agree.",
        {
            "name": _optional(str, "The header; case and punctuation are ignored."),
            "position": _optional(
                int, "The position of the column, from 1: where the header is blank, or occurs more than once."
            ),
        },
    ),
    "ImportValue": (
        "A value of the file, and what it means.",
        {
            "source": _Field(str, "The value in the file; case is ignored."),
            "value": _Field(str, "The value that the column gets."),
        },
    ),
    "ImportColumn": (
        "Where a column's values come from: columns of the file, or a constant.",
        {
            "column": _Field(str, "The name of the column in the template of the kind."),
            "sources": _list(
                "ImportSource",
                "The columns of the file: usually one; the texts of several are joined by spaces. Empty for a constant.",
            ),
            "constant": _optional(str, "The value of every row, as in a template."),
            "format": _Field(CellFormat, "The format of the values.", CellFormat.AS_IS),
            "values": _list(
                "ImportValue", "The meaning of values, for a column with a choice such as the kind of a payer."
            ),
        },
    ),
    "ImportRowCondition": (
        "The rows in which a column of the file has one of some values.",
        {
            "source": _Field("ImportSource", "The column of the file."),
            "values": _list(str, "The values; case is ignored, and an empty text is a blank cell.", _NEEDED),
        },
    ),
    "ImportMapping": (
        "How a file is read: which of its columns becomes which column of the template, in what format, and which rows are records.",
        {
            "columns": _list("ImportColumn", "The columns of the template that the file has.", _NEEDED),
            "header_row": _Field(int, "The line of the header, from 1; the lines above it are not read.", 1),
            "encoding": _optional(str, "The encoding of a text file; detected if it is omitted."),
            "delimiter": _optional(str, "The delimiter of a text file; detected if it is omitted."),
            "sheet": _optional(str, "The name of the sheet of a workbook; the only one with values if it is omitted."),
            "ignores_other_columns": _Field(
                bool,
                "Whether columns of the file that the mapping does not use are ignored. If not, a file that has some is refused.",
                default=False,
            ),
            "skip_where_blank": _list(
                "ImportSource",
                "Rows in which all of these columns are blank are skipped, such as the headings of groups.",
            ),
            "skip_totals_in": _optional(
                "ImportSource", "Rows whose value in this column begins with the word Total are skipped."
            ),
            "only_where": _list("ImportRowCondition", "Only rows that meet all of these conditions are records."),
        },
    ),
}


def _made() -> tuple[dict[str, Any], dict[str, Any]]:
    """The types and the inputs of the parts."""
    types, inputs = dict[str, Any](), dict[str, Any]()
    for name, (description, parts) in _PARTS.items():
        shown = {part: (one.annotation(types), output_field(_RULE, one.description)) for part, one in parts.items()}
        given = {part: (one.annotation(inputs), one.as_input()) for part, one in parts.items()}
        types[name] = strawberry.type(description=description)(_class(name, shown))
        inputs[name] = strawberry.input(description=description)(_class(f"{name}Input", given))
    return types, inputs


def _class(name: str, members: Mapping[str, tuple[Any, Any]]) -> type:
    types = {part: type_ for part, (type_, _) in members.items()}
    return type(name, (), {"__annotations__": types, "__module__": __name__, **{p: f for p, (_, f) in members.items()}})


_TYPES, _INPUTS = _made()
ImportMapping: Any = _TYPES["ImportMapping"]
ImportMappingInput: Any = _INPUTS["ImportMapping"]
# The dataclasses of imports/mapping/mappings.py, by the types that publish them.
_PUBLISHED = {
    "Source": "ImportSource",
    "ValueMapping": "ImportValue",
    "ColumnMapping": "ImportColumn",
    "RowCondition": "ImportRowCondition",
    "ImportMapping": "ImportMapping",
}


def published(value: Any) -> Any:
    """A mapping, or a part of it, as the API publishes it."""
    if isinstance(value, tuple):
        return [published(item) for item in value]
    if not is_dataclass(value):
        return value
    parts = {one.name: published(getattr(value, one.name)) for one in fields(value)}
    return _TYPES[_PUBLISHED[type(value).__name__]](**parts)


@strawberry.type(description="A saved mapping of files of a kind.")
class SavedImportMapping:
    id: strawberry.ID = output_field(_RULE, "The id by which imports name the mapping.")
    kind: ImportKind = output_field(_RULE, "The kind of records in the files.")
    name: str = output_field(_RULE, "The name of the mapping, unique among those of its kind.")
    version: int = output_field(_RULE, "The version, for optimistic locking.")
    mapping: ImportMapping = output_field(_RULE, "How the files are read.")
    changed_by: str | None = output_field(_RULE, "The name of the user who saved this version.")
    changed_at: datetime = output_field(_RULE, "When this version was saved.")


@strawberry.input(description="A mapping to save under a name.")
class SaveImportMappingInput:
    kind: ImportKind = input_field(_RULE, "The kind of records in the files.")
    name: str = input_field(_RULE, "The name; an existing mapping of this kind and name is replaced.")
    mapping: ImportMappingInput = input_field(_RULE, "How the files are read.")
    version: int | None = input_field(
        _RULE, "The version that was read, to replace an existing mapping; omit it for a new one."
    )
    idempotency_key: str | None = key(_RULE)


@strawberry.input(description="A saved mapping to delete.")
class DeleteImportMappingInput:
    mapping_id: strawberry.ID = input_field(_RULE, "The id of the mapping.")
    version: int = input_field(_RULE, "The version that was read.")
    idempotency_key: str | None = key(_RULE)


@strawberry.type(description="The result of saving or deleting a mapping.")
class SavedImportMappingPayload:
    import_mapping: SavedImportMapping | None = output_field(
        _RULE, "The saved mapping; null if it was deleted, or the request was rejected."
    )
    errors: list[UserError] = output_field(_RULE, "Why the request was rejected; empty on success.")


def published_mapping(saved: SavedMapping) -> SavedImportMapping:
    """A saved mapping as the API publishes it."""
    return SavedImportMapping(
        id=strawberry.ID(make_id("ImportMapping", saved.id)),
        kind=saved.kind,
        name=saved.name,
        version=saved.version,
        mapping=published(saved.mapping),
        changed_by=saved.changed_by,
        changed_at=saved.changed_at,
    )


@strawberry.type
class ImportMappingMutations:
    """The mutations of saved mappings."""

    @mutation(ACTIONS["save_import_mapping"], "Save a mapping of files to import under a name.")
    async def save_import_mapping(
        self, info: Info, input: Annotated[SaveImportMappingInput, argument("The mapping and its name.", _RULE)]
    ) -> SavedImportMappingPayload:
        saved: list[SavedMapping] = []

        async def save(work: UnitOfWork) -> UUID:
            identity = await import_mappings.save(work)
            saved.append(await import_mappings.get_mapping(work.connection, work.clinic_id, identity))
            return identity

        done = await run_command(info, "save_import_mapping", input, save)
        if done.record is not None and not saved:
            # A retry with the same idempotency key changes nothing.
            saved += await import_mappings.find_again(info, done.record)
        mapping = published_mapping(saved[0]) if saved and done.record else None
        return SavedImportMappingPayload(import_mapping=mapping, errors=user_errors(done.errors))

    @mutation(ACTIONS["delete_import_mapping"], "Delete a saved mapping; what was imported with it stays as it is.")
    async def delete_import_mapping(
        self, info: Info, input: Annotated[DeleteImportMappingInput, argument("The mapping to delete.", _RULE)]
    ) -> SavedImportMappingPayload:
        done = await run_command(info, "delete_import_mapping", input, import_mappings.delete)
        return SavedImportMappingPayload(import_mapping=None, errors=user_errors(done.errors))
