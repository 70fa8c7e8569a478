"""Posts remittances: the claims of each payment together with it; what cannot be posted waits with its reason."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any
from uuid import UUID

import asyncpg

from domain.errors import Conflict, DomainError, InvalidInput, NotFound
from domain.remittances.statuses import POSTABLE, RemittanceStatus
from resolvers.commands.remittances.claims import ClaimPosting
from resolvers.commands.remittances.locks import lock_posting
from resolvers.commands.remittances.payments import SAME_NUMBER, add_provider_adjustments, payment_for, raised_by
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
Waiting = list[tuple[Row, DomainError]]
_REMITTANCE = "select id, document_id from remittances where clinic_id = $1 and id = $2"
# Whoever posts the same remittance at the same time waits here, and finds what is left.
_PAYMENTS = """select id, payer_id, trace_key, method, amount, paid_on, status, reason, provider_adjustments, cheque_id, posted_at
    from remittance_payments where clinic_id = $1 and remittance_id = $2 order by place for no key update"""
_CLAIMS = """select id, payment_id, place, number, status_code, charge_amount, paid_amount, patient_amount, payer_number,
    adjustments, remark_codes, lines, status, reason, invoice_id, coverage_id, posted_at, closed_at
    from remittance_claims where clinic_id = $1 and remittance_id = $2 order by place"""
_TAKES_MORE = "The payer takes more back than these claims pay: post what it takes back, and what it pays, together"
_POSTED = "Everything of this remittance that can be posted is posted"


@dataclass(frozen=True, slots=True)
class _Source:
    """The document of a remittance, the day written on its cheque, and the payments that are locked for it."""

    document_id: UUID | None
    dated: date | None
    locked: frozenset[UUID]


class _NothingPostedError(Exception):
    """No claim of a payment could be posted, so that the payment is not posted either."""

    def __init__(self, waiting: Waiting) -> None:
        super().__init__()
        self.waiting = waiting


async def post(work: UnitOfWork) -> UUID:
    """Post the claims of a remittance that the input names; every one that can be posted by default."""
    remittance = await work.one(_REMITTANCE, work.inputs["remittance_id"])
    if remittance is None:
        raise NotFound("There is no such remittance", ("remittance_id",))
    await post_claims(work, remittance, work.inputs.get("claim_ids"))
    identity: UUID = remittance["id"]
    return identity


async def post_claims(
    work: UnitOfWork, remittance: Row, ids: Sequence[UUID] | None, dated: date | None = None
) -> Waiting:
    """Post some claims of a remittance, or all that can be posted; returns those that wait, each with the reason.

    `dated` is the day written on the cheque, where that is not the day of the payment.
    """
    payments = {row["id"]: row for row in await work.all(_PAYMENTS, remittance["id"])}
    claims = await work.all(_CLAIMS, remittance["id"])
    wanted = _every(payments, claims) if ids is None else _chosen(payments, claims, ids)
    if ids is None and not any(wanted.values()) and not _without_claims(payments, claims):
        waits = next((claim["reason"] for claim in claims if _waits(claim)), None)
        raise Conflict(
            _POSTED if waits is None else f"Nothing of this remittance can be posted. {waits}", ("remittance_id",)
        )
    chosen = [one for one in payments if one in wanted or one in _without_claims(payments, claims)]
    locked = await lock_posting(work, chosen, chain.from_iterable(wanted.values()))
    source = _Source(remittance["document_id"], dated, locked)
    waiting: Waiting = []
    for identity in chosen:
        waiting += await _post_payment(work, payments[identity], wanted.get(identity, []), source)
    return waiting


async def _post_payment(work: UnitOfWork, payment: Row, claims: Sequence[Row], source: _Source) -> Waiting:
    """Post claims of a payment, with the payment; returns the claims that wait."""
    reason = None
    try:
        async with work.savepoint():
            waiting = (await _post(work, payment, claims, source)).waiting
    except _NothingPostedError as nothing:
        waiting = nothing.waiting
    except asyncpg.UniqueViolationError:
        waiting, reason = [(claim, Conflict(SAME_NUMBER)) for claim in claims], SAME_NUMBER
    except Conflict as refusal:
        waiting, reason = [(claim, refusal) for claim in claims], refusal.message
    writes = work.bulk_writes()
    if reason is not None and reason != payment["reason"]:
        writes.update("remittance_payments", {"id": payment["id"]}, reason=reason)
    for claim, why in waiting:
        if claim["reason"] != why.message:
            writes.update("remittance_claims", {"id": claim["id"]}, reason=why.message)
    await writes.run(work.connection)
    # A payment without claims waits itself.
    return waiting if claims or reason is None else [(payment, Conflict(reason))]


async def _post(work: UnitOfWork, payment: Row, claims: Sequence[Row], source: _Source) -> ClaimPosting:
    cheque, new = await payment_for(work, payment, source.document_id, source.dated, source.locked)
    writes = work.bulk_writes()
    if new is not None:
        writes.insert("cheques", **new)
    await writes.run(work.connection)
    posting = ClaimPosting(work, cheque, cheque["unapplied_amount"] + raised_by(payment))
    await posting.read(is_attached=new is None)
    await posting.post(claims)
    if claims and not posting.posted:
        raise _NothingPostedError(posting.waiting)
    if posting.available < 0:
        raise Conflict(_TAKES_MORE)
    await add_provider_adjustments(work, writes, payment, cheque, posting.lowered_on)
    first = (
        {}
        if payment["posted_at"]
        else {"posted_at": work.moment, "posted_by": work.user_id, "is_attached": new is None}
    )
    writes.update("remittance_payments", {"id": payment["id"]}, cheque_id=cheque["id"], reason=None, **first)
    await writes.run(work.connection)
    return posting


def _every(payments: Mapping[UUID, Row], claims: Iterable[Row]) -> dict[UUID, list[Row]]:
    """The claims that can be posted, by payment."""
    return _by_payment(
        claim for claim in claims if _waits(claim) and why_not(payments[claim["payment_id"]], claim) is None
    )


def _chosen(payments: Mapping[UUID, Row], claims: Iterable[Row], ids: Sequence[UUID]) -> dict[UUID, list[Row]]:
    """The claims with these ids that are not posted yet, by payment; an error for one that cannot be posted."""
    known = {claim["id"]: claim for claim in claims}
    for place, identity in enumerate(ids):
        path = ("claim_ids", str(place))
        if identity not in known:
            raise NotFound("The remittance has no such claim", path)
        reason = why_not(payments[known[identity]["payment_id"]], known[identity])
        if reason is not None:
            raise InvalidInput(reason, path)
    return _by_payment(claim for claim in known.values() if claim["id"] in set(ids) and _waits(claim))


def _by_payment(claims: Iterable[Row]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = {}
    for claim in claims:
        found.setdefault(claim["payment_id"], []).append(claim)
    return found


def _without_claims(payments: Mapping[UUID, Row], claims: Iterable[Row]) -> set[UUID]:
    """The payments that have no claims, such as interest, and are not posted yet."""
    having = {claim["payment_id"] for claim in claims}
    return {
        identity
        for identity, row in payments.items()
        if identity not in having and row["posted_at"] is None and row["status"] == RemittanceStatus.MATCHED
    }


def _waits(claim: Row) -> bool:
    return claim["posted_at"] is None and claim["closed_at"] is None


def why_not(payment: Row, claim: Row) -> str | None:
    """Why a claim cannot be posted as it was found; None if it can."""
    if payment["status"] != RemittanceStatus.MATCHED:
        reason: str = payment["reason"]
        return reason
    if claim["closed_at"] is not None:
        return "The claim is closed: nothing of it is posted"
    is_postable = claim["status"] in POSTABLE and claim["invoice_id"] is not None
    return None if is_postable else claim["reason"]
