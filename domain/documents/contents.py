"""The contents of a document of any kind, and their canonical JSON, of which the data hash is taken."""

import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from domain.billing.money import format_money
from domain.documents.bills import GoodFaithEstimate, Invoice, ItemisedStatement, PatientStatement
from domain.documents.kinds import DocumentKind
from domain.documents.letters import BillingAffidavit, LienNotice, LienRelease, PayoffLetter

Contents = (
    Invoice
    | ItemisedStatement
    | PatientStatement
    | GoodFaithEstimate
    | PayoffLetter
    | LienNotice
    | LienRelease
    | BillingAffidavit
)
CONTENTS: dict[DocumentKind, type[Contents]] = {
    DocumentKind.INVOICE: Invoice,
    DocumentKind.ITEMISED_STATEMENT: ItemisedStatement,
    DocumentKind.PAYOFF_LETTER: PayoffLetter,
    DocumentKind.LIEN_NOTICE: LienNotice,
    DocumentKind.LIEN_RELEASE: LienRelease,
    DocumentKind.BILLING_AFFIDAVIT: BillingAffidavit,
    DocumentKind.PATIENT_STATEMENT: PatientStatement,
    DocumentKind.GOOD_FAITH_ESTIMATE: GoodFaithEstimate,
}
_KINDS = {contents: kind for kind, contents in CONTENTS.items()}


def kind_of(contents: Contents) -> DocumentKind:
    """The kind of document that has these contents."""
    return _KINDS[type(contents)]


def canonical_json(contents: Contents) -> bytes:
    """The contents as JSON in ASCII, keys sorted, days as ISO dates, amounts as texts with two places: equal contents, equal bytes."""
    told = {"kind": kind_of(contents), "contents": asdict(contents)}
    return json.dumps(told, sort_keys=True, separators=(",", ":"), default=_plain).encode("ascii")


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format_money(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")


def amount_of(contents: Contents) -> Decimal | None:
    """The amount that a document states: what is payable, the lien, or the estimated total; None for a release."""
    match contents:
        case LienRelease():
            return None
        case LienNotice():
            return contents.amount
        case GoodFaithEstimate():
            return contents.total
        case _:
            return contents.payable
