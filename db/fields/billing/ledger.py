"""The SQL of responsible payers and agreements."""

from sqlalchemy import select

from db import tables
from db.fields.base import Expression, One, View, amounts, by_id, name_of, plain, same_clinic
from db.global_ids import id_expression
from db.row import Row
from db.signed_urls import link


def _until(r: Row) -> Expression:
    following = r.scope.row(tables.responsibilities)
    on = same_clinic(r, following) & (following.invoice_id == r.invoice_id) & (following.number == r.number + 1)
    return select(following.from_on).select_from(following.source).where(on).scalar_subquery()


RESPONSIBILITY = View(
    tables.responsibilities,
    {
        "id": lambda r: id_expression("Responsibility", r.id),
        **plain("number", "from_on", "note", "recorded_at"),
        "until": _until,
        "reason": name_of("reason"),
        "payer": One("Payer", by_id("payer_id")),
        "coverage": One("Coverage", by_id("coverage_id")),
        "decidedBy": One("User", by_id("decided_by")),
        "documentUrl": lambda r: link(r, "documents", "Upload", r.document_id),
    },
)

AGREEMENT = View(
    tables.agreements,
    {
        "id": lambda a: id_expression("Agreement", a.id),
        **plain("number", "agreed_on", "conditional_until", "ended_on"),
        **amounts("amount"),
        "kind": name_of("kind"),
        "endedBy": name_of("ended_by"),
    },
)
