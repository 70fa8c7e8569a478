"""The resolvers of the textbook for merges of patients and payers."""

from datetime import datetime
from typing import Any

from db.global_ids import make_id
from tests.bench.textbook.fields import Args, Fields, listing, one
from tests.bench.textbook.models import Merge, Model, Patient, Payer, User
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.records import Records


def _is_of_patients(merge: Any) -> bool:
    return merge.merged_patient_id is not None


async def _fits(records: Records, merge: Any, wanted: Args) -> bool:
    return "undone" not in wanted or (merge.undone_at is not None) == wanted["undone"]


def _last_first(records: Records, args: Args) -> Sorting:
    return Sorting("Merge.DEFAULT", lambda merge: merge.merged_at, datetime, descending=True)


async def _kind(records: Records, merge: Any, args: Args) -> str:
    return "PATIENT" if _is_of_patients(merge) else "PAYER"


async def _merged_id(records: Records, merge: Any, args: Args) -> str:
    if _is_of_patients(merge):
        return make_id("Patient", merge.merged_patient_id)
    return make_id("Payer", merge.merged_payer_id)


async def _merged_name(records: Records, merge: Any, args: Args) -> str:
    """As it stands in the merged record itself, which no list has."""
    if _is_of_patients(merge):
        [patient] = await records.own(Patient, "id", merge.merged_patient_id)
        return f"{patient.first_name} {patient.last_name}"
    [payer] = await records.own(Payer, "id", merge.merged_payer_id)
    return str(payer.name)


def _stays(model: type[Model], column: str) -> Any:
    """The record that stayed, or the one that it was merged into itself since."""

    async def resolve(records: Records, merge: Any, args: Args) -> Any:
        identity = getattr(merge, column)
        return None if identity is None else await records.one(model, records.merged.survivor(identity))

    return resolve


async def _is_confirmed(records: Records, merge: Any, args: Args) -> bool:
    found: bool = merge.different_attorneys
    return found


MERGE_FIELDS: Fields = {
    "Query.merges": listing(Merge, _fits, _last_first),
    "Merge.kind": _kind,
    "Merge.mergedId": _merged_id,
    "Merge.mergedName": _merged_name,
    "Merge.patient": _stays(Patient, "surviving_patient_id"),
    "Merge.payer": _stays(Payer, "surviving_payer_id"),
    "Merge.confirmedDifferentAttorneys": _is_confirmed,
    "Merge.partOf": one(Merge, "part_of_id"),
    "Merge.mergedBy": one(User, "merged_by"),
    "Merge.undoneBy": one(User, "undone_by"),
}
