"""The resolvers of the textbook for remittances, their payments and claims."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tests.bench.textbook.fields import Args, Fields, listing, many, one
from tests.bench.textbook.models import (
    Cheque,
    Coverage,
    Invoice,
    Payer,
    Remittance,
    RemittanceClaim,
    RemittancePayment,
    User,
)
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.words import is_among


def waits(claim: Any) -> bool:
    """Whether a claim is neither posted nor closed, and no duplicate."""
    return claim.posted_at is None and claim.closed_at is None and claim.status != "duplicate"


async def _is_waiting(records: Records, claim: Any, args: Args) -> bool:
    return waits(claim)


async def _is_posted(records: Records, claim: Any, args: Args) -> bool:
    return claim.posted_at is not None


async def _claim_count(records: Records, remittance: Any, args: Args) -> int:
    return len(await records.many(RemittanceClaim, "remittance_id", remittance.id))


async def _posted_count(records: Records, remittance: Any, args: Args) -> int:
    claims = await records.many(RemittanceClaim, "remittance_id", remittance.id)
    return len([claim for claim in claims if claim.posted_at is not None])


async def _waiting_count(records: Records, remittance: Any, args: Args) -> int:
    return len([one for one in await records.many(RemittanceClaim, "remittance_id", remittance.id) if waits(one)])


async def _imported_at(records: Records, remittance: Any, args: Args) -> datetime:
    moment: datetime = remittance.recorded_at
    return moment


async def _fits(records: Records, remittance: Any, wanted: Args) -> bool:
    if "waiting" in wanted and bool(await _waiting_count(records, remittance, {})) != wanted["waiting"]:
        return False
    return "origin" not in wanted or remittance.origin.upper() in wanted["origin"]


async def _claim_fits(records: Records, claim: Any, wanted: Args) -> bool:
    checks = (
        "status" not in wanted or claim.status.upper() in wanted["status"],
        "isPosted" not in wanted or (claim.posted_at is not None) == wanted["isPosted"],
        "isWaiting" not in wanted or waits(claim) == wanted["isWaiting"],
        "invoiceId" not in wanted or is_among(wanted["invoiceId"], "Invoice", claim.invoice_id),
        "remittanceId" not in wanted or is_among(wanted["remittanceId"], "Remittance", claim.remittance_id),
    )
    return all(checks)


async def _document_url(records: Records, remittance: Any, args: Args) -> None:
    # The textbook has no signed URLs: no remittance of its data has a file.
    assert remittance.document_id is None


async def _file_name(records: Records, remittance: Any, args: Args) -> None:
    assert remittance.document_id is None


def _latest(records: Records, args: Args) -> Sorting:
    return Sorting("Remittance.DEFAULT", lambda remittance: remittance.id, UUID, descending=True)


def _in_order(records: Records, args: Args) -> Sorting:
    return Sorting("RemittanceClaim.DEFAULT", lambda claim: claim.id, UUID)


REMITTANCE_FIELDS: Fields = {
    "Query.remittances": listing(Remittance, _fits, _latest),
    "Query.remittanceClaims": listing(RemittanceClaim, _claim_fits, _in_order),
    "Remittance.importedAt": _imported_at,
    "Remittance.importedBy": one(User, "imported_by"),
    "Remittance.documentUrl": _document_url,
    "Remittance.fileName": _file_name,
    "Remittance.claimCount": _claim_count,
    "Remittance.postedCount": _posted_count,
    "Remittance.waitingCount": _waiting_count,
    "Remittance.payments": many(RemittancePayment, "remittance_id", "place"),
    "Remittance.claims": listing(RemittanceClaim, _claim_fits, _in_order, "remittance_id"),
    "RemittancePayment.payer": one(Payer, "payer_id"),
    "RemittancePayment.cheque": one(Cheque, "cheque_id"),
    "RemittancePayment.postedBy": one(User, "posted_by"),
    "RemittanceClaim.isWaiting": _is_waiting,
    "RemittanceClaim.isPosted": _is_posted,
    "RemittanceClaim.remittance": one(Remittance, "remittance_id"),
    "RemittanceClaim.payment": one(RemittancePayment, "payment_id"),
    "RemittanceClaim.invoice": one(Invoice, "invoice_id"),
    "RemittanceClaim.coverage": one(Coverage, "coverage_id"),
    "RemittanceClaim.postedBy": one(User, "posted_by"),
    "RemittanceClaim.closedBy": one(User, "closed_by"),
}
