"""Which master data a document needs and does not have, and where each is mended."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.documents.contents import Contents
from domain.documents.kinds import DocumentKind


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact that a document needs and that is not known: its name, a sentence, and the mutation with which it is entered."""

    name: str
    message: str
    mutation: str


@dataclass(frozen=True, slots=True)
class _Need:
    """A fact that documents need: where it stands in the contents, and what is said when it is missing."""

    missing: Missing
    found: Callable[[Any], Any]


_NAME = _Need(Missing("legalName", "The clinic has no legal name", "updateClinic"), lambda one: one.letterhead.name)
_ADDRESS = _Need(
    Missing("physicalAddress", "The clinic has no physical address", "updateClinic"),
    lambda one: one.letterhead.physical_address,
)
_REMIT = _Need(
    Missing("remitAddress", "The clinic has no address for payments", "updateClinic"),
    lambda one: one.letterhead.remit_address or one.letterhead.physical_address,
)
_PHONE = _Need(Missing("phone", "The clinic has no phone number", "updateClinic"), lambda one: one.letterhead.phone)
_TIN = _Need(
    Missing("tin", "The clinic has no tax identification number", "updateClinic"), lambda one: one.letterhead.tin
)
_NPI = _Need(Missing("npi", "The clinic has no group NPI", "updateClinic"), lambda one: one.letterhead.npi)
_RECIPIENT = _Need(
    Missing("recipient", "The recipient has no postal address", "the record of the recipient"),
    lambda one: one.recipient.address,
)
_LIEN_RULES = _Need(
    Missing("rules", "The rules of the state about liens are not entered", "the data rows of the state's lien rules"),
    lambda one: one.rules,
)
_AFFIANT = _Need(Missing("affiant", "The affidavit has no affiant", "issueDocument"), lambda one: one.affiant)
_LETTER = (_NAME, _ADDRESS, _PHONE)
_BILL = (*_LETTER, _REMIT, _TIN, _NPI)
NEEDS: dict[DocumentKind, tuple[_Need, ...]] = {
    DocumentKind.INVOICE: _BILL,
    DocumentKind.ITEMISED_STATEMENT: _BILL,
    DocumentKind.PAYOFF_LETTER: (*_LETTER, _REMIT, _TIN),
    # Most states require that a notice of lien names the provider and its address, and reaches an address.
    DocumentKind.LIEN_NOTICE: (*_LETTER, _RECIPIENT, _LIEN_RULES),
    DocumentKind.LIEN_RELEASE: _LETTER,
    DocumentKind.BILLING_AFFIDAVIT: (_NAME, _ADDRESS, _AFFIANT),
    DocumentKind.PATIENT_STATEMENT: (*_LETTER, _REMIT),
    # Without NPI, TIN and diagnosis it is drawn as a quote: nothing is refused.
    DocumentKind.GOOD_FAITH_ESTIMATE: _LETTER,
}


def missing_in(kind: DocumentKind, contents: Contents) -> list[Missing]:
    """What a document of this kind needs and does not have: without it, it is neither issued nor previewed."""
    return [need.missing for need in NEEDS[kind] if not need.found(contents)]
