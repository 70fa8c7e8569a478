"""GraphQL types, queries and mutations of merges: two patients or payers that turned out to be one."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Info
from strawberry.tools import create_type

from permissions.classes import argument, input_field, output_field, query_field
from resolvers.commands.merges import merging, preview
from schema.commands import command, payload_of
from schema.connections import After, Connection, First, Node
from schema.errors import UserError
from schema.keys import key
from schema.reading import compiled_root, read
from schema.records.enums import CollisionKind, MergeKind
from schema.references import PatientRef, PayerRef, UserRef

__all__ = [
    "CollisionKind",
    "Merge",
    "MergeKind",
    "MergeMutations",
    "MergeQueries",
]
_RULE = "administration"


@strawberry.type(
    description="A merge of two patients or payers: a link, by which the merged one is read as the one that stays."
)
class Merge(Node):
    id: strawberry.ID = output_field(_RULE, "The merge's id.")
    kind: MergeKind = output_field(_RULE, "What was merged.")
    merged_id: strawberry.ID = output_field(_RULE, "The id of the merged record, by which the surviving one is found.")
    merged_name: str = output_field(_RULE, "The name of the merged record.")
    patient: PatientRef | None = output_field(_RULE, "The surviving patient; null for a merge of payers.")
    payer: PayerRef | None = output_field(_RULE, "The surviving payer; null for a merge of patients.")
    part_of: Annotated["Merge", strawberry.lazy("schema.records.merges")] | None = output_field(
        _RULE, "The merge of two patients with which their payers were merged; null for a merge of its own."
    )
    reason: str | None = output_field(_RULE, "Why they were merged.")
    confirmed_different_attorneys: bool = output_field(
        _RULE, "Whether it was confirmed that the cases of the patients have different attorneys."
    )
    merged_at: datetime = output_field(_RULE, "When they were merged.")
    merged_by: UserRef | None = output_field(_RULE, "Who merged them; null for an import.")
    undone_at: datetime | None = output_field(_RULE, "When the merge was undone; null while it stands.")
    undone_by: UserRef | None = output_field(_RULE, "Who undid the merge; null while it stands.")


@strawberry.input(description="Filter for merges; all conditions must be met.")
class MergeFilter:
    undone: bool | None = input_field(_RULE, "If true, only merges that were undone; if false, only merges that stand.")


@strawberry.input(description="The patients or payers whose merge is previewed.")
class MergePreviewInput:
    kind: MergeKind = input_field(_RULE, "What is to be merged.")
    merged_id: strawberry.ID = input_field(_RULE, "The record that is to be merged into the other one.")
    surviving_id: strawberry.ID = input_field(_RULE, "The record that stays, with its own fields.")


@strawberry.type(description="A field in which both records differ.")
class MergeDifference:
    field: str = output_field(_RULE, "The name of the field.")
    merged: str | None = output_field(_RULE, "The value of the merged record, which is no longer shown.")
    surviving: str | None = output_field(_RULE, "The value of the surviving record, which stays.")


@strawberry.type(description="How many records of a kind refer to each of both.")
class MergeCount:
    records: str = output_field(_RULE, "The kind of records.")
    merged: int = output_field(_RULE, "How many refer to the merged record.")
    surviving: int = output_field(_RULE, "How many refer to the surviving record.")


@strawberry.type(description="What both records have and one record cannot have twice.")
class MergeCollision:
    kind: CollisionKind = output_field(_RULE, "What collides.")
    value: str = output_field(_RULE, "The number of the payments or of the invoice, or the code.")
    records: list[strawberry.ID] = output_field(_RULE, "The ids of the records that have it.")


@strawberry.type(description="Two payers of the patients, which are merged with them.")
class MergedPayers:
    merged: strawberry.ID = output_field(_RULE, "The id of the payer that is merged.")
    surviving: strawberry.ID = output_field(_RULE, "The id of the payer that stays.")


@strawberry.type(description="What a merge would do; nothing is merged.")
class MergePreview:
    differences: list[MergeDifference] = output_field(
        _RULE, "The fields in which both differ; those of the surviving record stay."
    )
    counts: list[MergeCount] = output_field(_RULE, "How many records refer to each of both.")
    collisions: list[MergeCollision] = output_field(_RULE, "What keeps both from being one until it is mended.")
    attorneys: list[str] = output_field(_RULE, "The attorneys of the cases of both patients, by name.")
    different_attorneys: bool = output_field(
        _RULE, "Whether the cases have different attorneys, so that the merge needs confirmDifferentAttorneys."
    )
    payers: list[MergedPayers] = output_field(_RULE, "The payers of the patients that are merged with them.")
    repeated_invoices: list[str] = output_field(
        _RULE,
        "Pairs of invoices that bill both patients for one code, day, physician and side: look for work billed twice.",
    )
    refusals: list[UserError] = output_field(_RULE, "Why the merge would be refused; empty if it would be made.")


@strawberry.type(description="The result of a preview of a merge.")
class MergePreviewPayload:
    preview: MergePreview | None = output_field(_RULE, "The preview; null if the input is invalid.")
    errors: list[UserError] = output_field(_RULE, "Why there is no preview; empty on success.")


@strawberry.type(description="The queries of merges.")
class MergeQueries:
    @compiled_root(_RULE, "The merges of patients and payers, newest first, undone ones included.")
    async def merges(
        self,
        info: Info,
        filter: Annotated[MergeFilter | None, argument("Only merges that match this filter.", _RULE)] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
    ) -> Connection[Merge]:
        return await read(info)  # type: ignore[no-any-return]

    @query_field(
        _RULE,
        "What a merge of two patients or payers would do, and why it would be refused; nothing is merged.",
        metadata={"resolve": preview.answer},
    )
    async def merge_preview(
        self, info: Info, input: Annotated[MergePreviewInput, argument("The records.", _RULE)]
    ) -> MergePreviewPayload:
        return await preview.read(info)  # type: ignore[return-value]


_REASON = "Why they are one, for the record."


@strawberry.input(
    description="The patients to merge. The fields of the surviving one stay, and its number is the one that is shown."
)
class MergePatientsInput:
    merged_id: strawberry.ID = input_field(_RULE, "The patient who is merged into the other one.")
    surviving_id: strawberry.ID = input_field(_RULE, "The patient who stays.")
    reason: str | None = input_field(_RULE, _REASON)
    confirm_different_attorneys: bool = input_field(
        _RULE, "Whether they are one person although different attorneys represent their cases.", default=False
    )
    idempotency_key: str | None = key(_RULE)


@strawberry.input(description="The payers to merge. The fields of the surviving one stay.")
class MergePayersInput:
    merged_id: strawberry.ID = input_field(_RULE, "The payer that is merged into the other one.")
    surviving_id: strawberry.ID = input_field(_RULE, "The payer that stays.")
    reason: str | None = input_field(_RULE, _REASON)
    idempotency_key: str | None = key(_RULE)


@strawberry.input(description="The merge to undo.")
class UndoMergeInput:
    merge_id: strawberry.ID = input_field(_RULE, "The merge.")
    idempotency_key: str | None = key(_RULE)


_Payload: Any = payload_of(
    Merge, _RULE, "merge", description="The result of merging, or of undoing a merge.", rejected="change"
)
MergeMutations: Any = create_type(
    "MergeMutations",
    [
        command(
            "merge_patients",
            merging.merge_patients,
            "Merge two patients who are one person, by a link: history, audit log and documents stay as they are.",
            MergePatientsInput,
            "The patients.",
            _Payload,
        ),
        command(
            "merge_payers",
            merging.merge_payers,
            "Merge two payers that are one, by a link: history, audit log and documents stay as they are.",
            MergePayersInput,
            "The payers.",
            _Payload,
        ),
        command(
            "undo_merge",
            merging.undo,
            "Undo a merge. It is refused once something was added that depends on it.",
            UndoMergeInput,
            "The merge.",
            _Payload,
        ),
    ],
)
