"""Makes remittances as payers send them, and imports, posts and reads them over HTTP."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import httpx

from domain.billing.coverages import AdjustmentGroup
from domain.payments.cheques import PaymentMethod
from domain.remittances.remittance import (
    ProviderAdjustment,
    RemittedAdjustment,
    RemittedClaim,
    RemittedLine,
    RemittedPayment,
)
from tests.support.api.mutations import done
from tests.support.api.records import today, uuid_of
from tests.support.api.scenarios import Clinic, line
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.x12.writer import written

ADJUSTMENT = "group reasonCode amount"
PAYMENT = """id place status reason trace amount method paidOn isAttached postedAt payerIdentifier payerName payer { id }
    brokenLaws { law stated computed claimPlace linePlace } providerAdjustments { code amount reference }
    cheque { id number method amount unappliedAmount receivedOn chequeDate allocations { amount invoice { id } } }"""
PROPOSAL = "kind amount reason invoice { id } coverage { id remaining version } payer { id name }"
CLAIM = f"""id place status reason isPosted isWaiting number statusCode chargeAmount paidAmount patientAmount payerNumber remarkCodes
    closingReason coverage {{ id }} invoice {{ id number status balance contractualAmount receivedAmount }} adjustments {{ {ADJUSTMENT} }}
    lines {{ place code modifiers charge paid line {{ id }} adjustments {{ {ADJUSTMENT} }} remarkCodes }} proposals {{ {PROPOSAL} }}"""
REMITTANCE = f"""remittance {{ id origin fileName problems claimCount postedCount waitingCount documentUrl
    payments {{ {PAYMENT} }} claims(first: 100) {{ totalCount nodes {{ {CLAIM} }} }} }} warnings {{ code message path amount }}"""
_numbers = count(1)


def money(text: str) -> Decimal:
    """An amount."""
    return Decimal(text)


def adjusted(*texts: str) -> tuple[RemittedAdjustment, ...]:
    """Adjustments, each as group, reason code and amount, such as "CO-45 20.00"."""
    found = []
    for text in texts:
        code, amount = text.split()
        group, reason = code.split("-", 1)
        found.append(RemittedAdjustment(AdjustmentGroup[group], reason, money(amount)))
    return tuple(found)


def remitted_line(place: int, charge: str, paid: str, *adjustments: str, **values: Any) -> RemittedLine:
    """A line of a claim."""
    known = {"code": "A4556", "charge": money(charge), "paid": money(paid), "adjustments": adjusted(*adjustments)}
    return RemittedLine(place, **{**known, **values})


def claim(number: str, charge: str, paid: str, *adjustments: str, **values: Any) -> RemittedClaim:
    """A claim; its adjustments are those of the claim as a whole."""
    known = {"place": 1, "status_code": "1", "adjustments": adjusted(*adjustments), "payer_number": "PCN1"}
    return RemittedClaim(**{**known, "number": number, "charge": money(charge), "paid": money(paid), **values})


def payment(*claims: RemittedClaim, **values: Any) -> RemittedPayment:
    """A payment of claims, by ACH today; its amount is the sum of them by default."""
    placed = tuple(replace(one, place=place) for place, one in enumerate(claims, 1))
    provider: Sequence[ProviderAdjustment] = values.get("provider_adjustments", ())
    total = sum((one.paid for one in claims), Decimal("0.00")) - sum(one.amount for one in provider)
    known: dict[str, Any] = {
        "place": 1,
        "amount": total,
        "method": PaymentMethod.ACH,
        "paid_on": today(),
        "trace": f"TRACE{next(_numbers):06d}",
        "payer_identifier": "1555000111",
        "payer_name": None,
    }
    return RemittedPayment(**{**known, **values, "claims": placed})


def payer_name(clinic: Clinic) -> str:
    """The name of the clinic's payer."""
    name: str = rows(clinic.address, "select name from payers where id = $1", uuid_of(clinic.payer))[0]["name"]
    return name


def number_of(clinic: Clinic, invoice: str) -> str:
    """The number of an invoice."""
    number: str = rows(clinic.address, "select number from invoices where id = $1", uuid_of(invoice))[0]["number"]
    return number


def upload(client: Client, data: bytes) -> str:
    """The id of an uploaded remittance file."""
    values = {"fileName": "payments.835", "contentType": "application/edi-x12", "byteSize": len(data)}
    announced = done(client, "createUpload", "upload { id uploadUrl }", **values)
    assert httpx.put(announced["uploadUrl"], content=data, timeout=60).status_code == 201
    identity: str = announced["id"]
    return identity


def imported(clinic: Clinic, *payments: RemittedPayment, client: Client | None = None, **values: Any) -> Any:
    """The remittance of an imported file with these payments, of the clinic's payer where they name none."""
    user = client or clinic.billing
    named = [one if one.payer_name else replace(one, payer_name=payer_name(clinic)) for one in payments]
    placed = [replace(one, place=place) for place, one in enumerate(named, 1)]
    return done(user, "importRemittance", REMITTANCE, uploadId=upload(user, written(*placed)), **values)


def posted(clinic: Clinic, remittance: Any, *claims: Any, client: Client | None = None) -> Any:
    """The remittance after some of its claims were posted, or all that can be posted."""
    chosen = {"claimIds": [one["id"] for one in claims]} if claims else {}
    return done(client or clinic.billing, "postRemittance", REMITTANCE, remittanceId=remittance["id"], **chosen)


def look(client: Client, remittance: Any) -> Any:
    """The remittance as it is now."""
    whole = REMITTANCE.removeprefix("remittance ").removesuffix(" warnings { code message path amount }")
    return client.read(f"query ($id: ID!) {{ remittance(id: $id) {whole} }}", id=remittance["id"])["remittance"]


def claims_of(remittance: Any) -> list[Any]:
    """The claims of a remittance."""
    found: list[Any] = remittance["claims"]["nodes"]
    return found


def of_lines(clinic: Clinic, *prices: tuple[str, str], case: str | None = None) -> str:
    """The id of a submitted invoice with these lines, each as code and price."""
    draft = {"caseId": case or clinic.case(), "payerId": clinic.payer, "serviceDate": "2026-03-02"}
    lines = [{**line(price), "code": code} for code, price in prices]
    made = done(clinic.billing, "createInvoice", "invoice { id }", lines=lines, confirmDuplicate=True, **draft)
    identity: str = made["id"]
    clinic.step("submitInvoice", identity, submittedOn=today().isoformat(), method="EMAIL")
    return identity


def day(on: date) -> str:
    """A day as the API writes it."""
    return on.isoformat()
