"""The patients and payers that were merged, as the textbook follows them: by the merges that stand, one after the other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from db.global_ids import make_id

# The columns that refer to a record which may be merged into another one.
REFERENCES = ("patient_id", "payer_id")
_KINDS = ("Patient", "Payer")


@dataclass(frozen=True)
class Merged:
    """The merges of a clinic that stand, each as the id of the merged record and that of the record that it was merged into."""

    into: Mapping[UUID, UUID] = field(default_factory=dict)
    # The merged records themselves, which nobody reads any more.
    rows: tuple[Any, ...] = ()

    def survivor(self, identity: UUID) -> UUID:
        """The record that stays of a merged one; of any other one itself."""
        while identity in self.into:
            identity = self.into[identity]
        return identity

    def group(self, identity: UUID) -> set[UUID]:
        """All records that are one with a record, itself included."""
        survivor = self.survivor(identity)
        return {survivor, *(one for one in self.into if self.survivor(one) == survivor)}

    def groups(self, ids: Iterable[UUID | None]) -> list[UUID]:
        """All records that are one with some records, these included."""
        return [one for identity in ids if identity is not None for one in self.group(identity)]

    def former(self, identity: UUID) -> list[Any]:
        """The rows of what was merged into a record."""
        return [row for row in self.rows if self.survivor(row.id) == identity]

    def follow(self, row: Any) -> None:
        """Let the references of a row lead to the records that stay."""
        for name in REFERENCES:
            if getattr(row, name, None) is not None:
                setattr(row, name, self.survivor(getattr(row, name)))

    def translated(self, value: Any) -> Any:
        """Arguments in which the global ids of the records that stay take the place of those of merged ones."""
        if isinstance(value, Mapping):
            return {name: self.translated(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.translated(one) for one in value]
        return self._ids.get(value, value) if isinstance(value, str) else value

    @property
    def _ids(self) -> dict[str, str]:
        return {make_id(kind, one): make_id(kind, self.survivor(one)) for kind in _KINDS for one in self.into}
