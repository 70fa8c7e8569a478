"""Damaged remittance files over HTTP: each is answered in the API's own words, and whatever is posted obeys the laws of the ledger."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import httpx
import pytest

from domain.documents.uploads import LARGEST_BYTES
from domain.remittances.remittance import RemittedPayment
from tests.api.remittances.remitting import upload
from tests.decoders.fuzzing import FEW
from tests.support.api.mutations import document
from tests.support.api.records import today
from tests.support.api.scenarios import Clinic, broken_laws
from tests.support.x12.clinic_files import clinic_payments, open_claims
from tests.support.x12.mutators import mutated
from tests.support.x12.random_payments import random_payments, seeded
from tests.support.x12.writer import written

FOUND = "remittance { id problems payments { status amount brokenLaws { law } } claims(first: 100) { nodes { status isPosted } } }"
# What a refused mutation says; an error of the document itself has one of those of the fuzzing of requests.
REFUSALS = {"INVALID_INPUT", "CONFLICT", "NOT_FOUND", "ILLEGAL_TRANSITION"}


def sent(clinic: Clinic, seed: int, name: str, **values: Any) -> Any:
    """The payload of a mutation about the file of a seed: 200, no error of the document, and refusals with their codes."""
    response = clinic.billing.post(document(name, FOUND), input=values)
    assert response.status_code == 200, (seed, response.text[:500])
    answer = response.json()
    assert "errors" not in answer, (seed, answer)
    payload = answer["data"][name]
    assert {error["code"] for error in payload["errors"]} <= REFUSALS, (seed, payload)
    assert all(error["message"] for error in payload["errors"])
    return payload


def hostile_payments(random: Random) -> list[RemittedPayment]:
    """Payments with right laws and extreme values."""
    [payment] = random_payments(random, 1)
    kind = random.choice(["no claims", "no money", "old", "future", "long", "many claims"])
    if kind == "old":
        return [replace(payment, paid_on=payment.paid_on.replace(year=random.choice([1, 1753, 1999])))]
    if kind == "future":
        return [replace(payment, paid_on=payment.paid_on.replace(year=random.choice([2100, 9999])))]
    if kind == "no claims":
        paid = sum((claim.paid for claim in payment.claims), Decimal("0.00"))
        amount = payment.amount - paid
        return [replace(payment, claims=(), amount=amount)] if amount >= 0 else [payment]
    if kind == "long":
        return [replace(payment, trace="T" * 50, payer_name="É" * 60)]
    if kind == "many claims" and payment.claims:
        repeated = tuple(replace(payment.claims[0], place=place) for place in range(1, 200))
        amount = payment.claims[0].paid * len(repeated)
        return [replace(payment, claims=repeated, amount=max(amount, Decimal("0.00")), provider_adjustments=())]
    return [payment]


def damaged(random: Random, clinic: Clinic) -> bytes:
    """A file about open invoices of the clinic, with changes in most cases; or one with extreme values."""
    if random.random() < 0.2:
        return written(*hostile_payments(random))
    data = written(*clinic_payments(random, open_claims(clinic.address), today(), random.randint(1, 3)))
    return data if random.random() < 0.25 else mutated(random, data)[1]


def uploaded(clinic: Clinic, data: bytes) -> str | None:
    """The id of an uploaded file; None for one that is not taken because of its first bytes, or its size."""
    try:
        return upload(clinic.billing, data)
    except AssertionError:
        values = {"fileName": "payments.835", "contentType": "application/edi-x12", "byteSize": max(len(data), 1)}
        announced = clinic.billing.read(document("createUpload", "upload { uploadUrl }"), input=values)["createUpload"]
        if announced["upload"] is None:
            assert len(data) > LARGEST_BYTES
        else:
            response = httpx.put(announced["upload"]["uploadUrl"], content=data, timeout=60)
            assert response.status_code in (400, 415), response.text
        return None


@pytest.mark.parametrize("count", [FEW // 2, pytest.param(400, marks=pytest.mark.prove)])
def test_damaged_files_are_answered_and_what_is_posted_obeys_the_laws(count: int, clinic: Clinic) -> None:
    counts = Counter[str]()
    for seed in range(count):
        random = seeded(seed)
        identity = uploaded(clinic, damaged(random, clinic))
        if identity is None:
            counts["not uploaded"] += 1
            continue
        if random.random() < 0.3:
            sent(clinic, seed, "importRemittance", uploadId=identity, dryRun=True)
        found = sent(clinic, seed, "importRemittance", uploadId=identity)["remittance"]
        counts["imported" if found else "refused"] += 1
        if found is None:
            continue
        posted = sent(clinic, seed, "postRemittance", remittanceId=found["id"])["remittance"] or found
        counts["posted"] += sum(claim["isPosted"] for claim in posted["claims"]["nodes"])
        for payment in posted["payments"]:
            assert (payment["status"] == "OUT_OF_BALANCE") or not payment["brokenLaws"], seed
        if seed % 50 == 0:
            assert broken_laws(clinic.address) == ()
    assert broken_laws(clinic.address) == ()
    assert counts["imported"] > count // 3, counts
    assert counts["posted"] > count // 10, counts
    assert counts["refused"] > count // 20, counts
