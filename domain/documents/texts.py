"""The texts of documents: the defaults per kind, the variables that they may name, checking a clinic's own, and filling them in."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal

from domain.documents.contents import Contents, amount_of
from domain.documents.kinds import DocumentKind
from domain.documents.letters import BillingAffidavit
from domain.errors import InvalidInput

# Raised with every change of a default text, so that a document says from which it was drawn.
DEFAULT_VERSION = 1
LONGEST = {"title": 100, "opening": 10_000, "closing": 10_000}
_VARIABLE = re.compile(r"\{\{ *([a-z_]{1,40}) *\}\}")
_BRACED = re.compile(r"\{\{ *([^{}]*?) *\}\}")
_LONGEST_QUOTED = 40


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a document: its title, the paragraphs before its figures, and those after them."""

    title: str
    opening: str
    closing: str


_EVERYWHERE = ("clinic", "recipient", "number", "issued_on")
_OF_A_CASE = (*_EVERYWHERE, "patient", "case_number", "reference", "injured_on")
VARIABLES: dict[DocumentKind, tuple[str, ...]] = {
    DocumentKind.INVOICE: (*_OF_A_CASE, "amount", "due_on", "invoice"),
    DocumentKind.ITEMISED_STATEMENT: (*_OF_A_CASE, "amount", "as_of"),
    DocumentKind.PAYOFF_LETTER: (*_OF_A_CASE, "amount", "good_through"),
    DocumentKind.LIEN_NOTICE: (*_OF_A_CASE, "amount", "state"),
    DocumentKind.LIEN_RELEASE: (*_OF_A_CASE, "state", "notice_number", "notice_on"),
    DocumentKind.BILLING_AFFIDAVIT: (*_OF_A_CASE, "amount", "as_of", "affiant", "capacity", "county", "state"),
    DocumentKind.PATIENT_STATEMENT: (*_OF_A_CASE, "amount", "due_on"),
    DocumentKind.GOOD_FAITH_ESTIMATE: (*_EVERYWHERE, "patient", "amount", "expected_on"),
}
DEFAULTS: dict[DocumentKind, Texts] = {
    DocumentKind.INVOICE: Texts(
        "Invoice",
        "",
        "Please send payment to the address for payments above, and name the invoice {{ invoice }} with it.",
    ),
    DocumentKind.ITEMISED_STATEMENT: Texts(
        "Itemized statement of account",
        "This statement lists the services to {{ patient }} that {{ clinic }} has billed, and what was paid and adjusted on them"
        " up to {{ as_of }}.",
        "",
    ),
    DocumentKind.PAYOFF_LETTER: Texts(
        "Payoff letter",
        "Re: {{ patient }}, case {{ case_number }}\n\n{{ amount }} pays the account of {{ patient }} in full if it is received"
        " on or before {{ good_through }}.",
        "After {{ good_through }}, please ask for a new letter. Charges, payments and reversals that are recorded in the meantime"
        " change the amount.",
    ),
    DocumentKind.LIEN_NOTICE: Texts(
        "Notice of lien",
        "{{ clinic }} has treated {{ patient }} for injuries of {{ injured_on }}, and claims a lien of {{ amount }} under the law"
        " of {{ state }} on any recovery for these injuries.",
        "Please acknowledge this notice in writing, and do not disburse the recovery before the lien is satisfied or released.",
    ),
    DocumentKind.LIEN_RELEASE: Texts(
        "Release of lien",
        "{{ clinic }} releases its lien on any recovery of {{ patient }} for injuries of {{ injured_on }}. The invoices that it"
        " secured are settled as stated below.",
        "This release covers only the invoices that it names.",
    ),
    DocumentKind.BILLING_AFFIDAVIT: Texts(
        "Affidavit concerning cost and necessity of services",
        "Before me, the undersigned authority, personally appeared {{ affiant }}, who, being by me duly sworn, deposed as"
        " follows:\n\nMy name is {{ affiant }}. I am of sound mind and capable of making this affidavit, and personally acquainted"
        " with the facts stated here. I am the {{ capacity }} of the billing records of {{ clinic }}.\n\nAttached to this affidavit"
        " are records that provide an itemized statement of the services and of the charges for them that {{ clinic }} provided"
        " to {{ patient }}. The records are kept in the regular course of business.\n\nThe services were necessary, and the amounts"
        " charged for them were reasonable at the time and place that they were provided. The amounts billed, paid, adjusted and"
        " payable as of {{ as_of }} are:",
        "",
    ),
    DocumentKind.PATIENT_STATEMENT: Texts(
        "Patient statement",
        "This is your part of the account. It does not include what others are asked to pay.",
        "If you have questions about this statement, please call us.",
    ),
    DocumentKind.GOOD_FAITH_ESTIMATE: Texts(
        "Good Faith Estimate",
        "These are the expected charges for the services that are planned for {{ patient }}.",
        "",
    ),
}
# What a good-faith estimate is called that lacks what 45 CFR 149.610 names, whatever the clinic's own title is.
QUOTE_TITLE = "Price quote"
# 45 CFR 149.610(c)(1)(viii) to (xi), and the model notice of the Centers for Medicare & Medicaid Services.
ESTIMATE_NOTICES = (
    (
        "There may be additional items or services that we recommend as part of the course of care and that are scheduled or requested"
        " separately; they are not reflected in this estimate."
    ),
    "The information in this estimate is only an estimate: the actual items, services or charges may differ from it.",
    (
        "If you are billed for at least $400 more than this estimate, you have the right to start a patient-provider dispute resolution"
        " process. Starting it does not adversely affect the quality of the services that you receive. Instructions stand at"
        " www.cms.gov/nosurprises."
    ),
    "This estimate is not a contract: it does not require you to obtain the items or services from the providers that it names.",
)


def check_texts(kind: DocumentKind, texts: Mapping[str, str]) -> None:
    """Check a clinic's own texts when they are saved; InvalidInput names the text and what is wrong with it."""
    for name, text in texts.items():
        if name not in LONGEST:
            raise InvalidInput(f"A document has no text of this name; it has {', '.join(LONGEST)}", (name,))
        if len(text) > LONGEST[name]:
            raise InvalidInput(f"This has at most {LONGEST[name]:,} characters", (name,))
        if name == "title" and (not text.strip() or not text.isprintable()):
            raise InvalidInput("A title is a single line, and cannot be left blank", (name,))
        for found in _BRACED.findall(text):
            if found not in VARIABLES[kind]:
                known = ", ".join(VARIABLES[kind])
                raise InvalidInput(f"{found[:_LONGEST_QUOTED]} is not a variable; known variables are {known}", (name,))
        if any(mark in _VARIABLE.sub("", text) for mark in ("{{", "}}", "{%", "%}")):
            raise InvalidInput("A variable looks like {{ patient }}; a document's text has no other brackets", (name,))


def texts_of(kind: DocumentKind, own: Mapping[str, str] | None) -> Texts:
    """The texts of a kind: the clinic's own, and the default of each that it has not written."""
    known = {one.name for one in fields(Texts)}
    return replace(DEFAULTS[kind], **{name: text for name, text in (own or {}).items() if name in known})


def filled_in(kind: DocumentKind, texts: Texts, contents: Contents, written: Callable[[str], str] = str) -> Texts:
    """The texts with the values of their variables, as `written` writes each; a value that names a variable is left as it is."""
    values = {name: written(_value(name, contents)) for name in VARIABLES[kind]}
    title, opening, closing = (
        _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)
        for text in (texts.title, texts.opening, texts.closing)
    )
    return Texts(title, opening, closing)


def _value(name: str, contents: Contents) -> str:
    case = getattr(contents, "case", None)
    match name:
        case "clinic":
            return contents.letterhead.name
        case "recipient":
            return contents.recipient.name
        case "amount":
            return dollars(amount_of(contents) or Decimal())
        case "case_number":
            return str(case.number) if case else ""
        case "capacity" if isinstance(contents, BillingAffidavit):
            return {"provider": "provider of the services and keeper"}.get(contents.capacity, contents.capacity)
        case _:
            return _shown(getattr(contents, name, None) if hasattr(contents, name) else getattr(case, name, None))


def _shown(value: date | str | None) -> str:
    return day(value) if isinstance(value, date) else value or "________________"


def day(value: date) -> str:
    """A day as documents write it.

    >>> day(date(2026, 12, 1))
    'December 1, 2026'
    """
    return f"{value:%B} {value.day}, {value.year}"


def dollars(amount: Decimal) -> str:
    """An amount as documents write it.

    >>> dollars(Decimal("-1451.04"))
    '-$1,451.04'
    """
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"
