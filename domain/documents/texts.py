"""The texts of each kind of document: the defaults, the variables that they may use, and the check of a clinic's own."""

import re
from collections.abc import Mapping

from domain.documents.kinds import DocumentKind
from domain.errors import InvalidInput

_VARIABLE = re.compile(r"\{\{\s*([a-z_]*)\s*\}\}")
_K = DocumentKind
_COMMON = ("clinic", "patient", "case", "injury_day", "recipient", "amount")
# Kind → the names of its texts, with the defaults.
DEFAULTS: dict[DocumentKind, dict[str, str]] = {
    _K.INVOICE: {
        "opening": "",
        "closing": "Please pay {{ amount }} by {{ due_day }} and name the invoice {{ invoice }}.",
    },
    _K.ITEMISED_STATEMENT: {
        "opening": "Charges, payments and adjustments for {{ patient }} as of {{ as_of }}, restated by the days on which they count.",
        "closing": "",
    },
    _K.PAYOFF_LETTER: {
        "opening": "The balance that closes the case of {{ patient }} is {{ amount }}, good through {{ good_through }}.",
        "closing": "A payment after {{ good_through }}, or further treatment, changes this amount: ask for another letter.",
    },
    _K.LIEN_NOTICE: {
        "opening": "{{ clinic }} claims a lien for the treatment of {{ patient }}, injured on {{ injury_day }}, of {{ amount }}.",
        "closing": "{{ rule }}",
    },
    _K.LIEN_RELEASE: {
        "opening": "{{ clinic }} releases its lien for the treatment of {{ patient }}, injured on {{ injury_day }}.",
        "closing": "{{ rule }}",
    },
    _K.BILLING_AFFIDAVIT: {
        "opening": "Before me, the undersigned authority, appeared {{ affiant }}, who swore to the statement {{ statement }}: I am {{ capacity }} "
        "of {{ clinic }}. The services were provided to {{ patient }}. The charges were reasonable at the time and place of the services.",
        "closing": "The statement {{ statement }} is attached, and is part of this affidavit.",
    },
    _K.PATIENT_STATEMENT: {
        "opening": "Your account as of {{ as_of }}.",
        "closing": "Please pay {{ amount }}. Call us with any question.",
    },
    _K.GOOD_FAITH_ESTIMATE: {
        "opening": "The expected charges for {{ patient }} on {{ service_day }}: {{ amount }}.",
        "closing": "{{ notices }}",
    },
}
# Kind → the variables of its texts.
VARIABLES: dict[DocumentKind, tuple[str, ...]] = {
    _K.INVOICE: (*_COMMON, "invoice", "due_day"),
    _K.ITEMISED_STATEMENT: (*_COMMON, "as_of"),
    _K.PAYOFF_LETTER: (*_COMMON, "good_through", "unapplied"),
    _K.LIEN_NOTICE: (*_COMMON, "rule"),
    _K.LIEN_RELEASE: (*_COMMON, "rule"),
    _K.BILLING_AFFIDAVIT: (*_COMMON, "affiant", "capacity", "statement"),
    _K.PATIENT_STATEMENT: (*_COMMON, "as_of"),
    _K.GOOD_FAITH_ESTIMATE: (*_COMMON, "service_day", "notices"),
}


def check_texts(kind: DocumentKind, texts: Mapping[str, str]) -> None:
    """Refuse texts that a kind does not have, and variables that it does not know; user texts are data, never markup."""
    for name, text in texts.items():
        if name not in DEFAULTS[kind]:
            raise InvalidInput(f"A document of this kind has the texts {', '.join(DEFAULTS[kind])}", ("texts",))
        unknown = sorted({found for found in _VARIABLE.findall(text) if found not in VARIABLES[kind]})
        if unknown or "{{" in _VARIABLE.sub("", text):
            known = ", ".join(f"{{{{ {one} }}}}" for one in VARIABLES[kind])
            raise InvalidInput(f"The text {name} may use the variables {known}, and no other braces", ("texts",))


def filled(kind: DocumentKind, texts: Mapping[str, str], values: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The paragraphs of each text of a kind, with the values of its variables; the clinic's texts come before the defaults."""
    found = {}
    for name, default in DEFAULTS[kind].items():
        text = _VARIABLE.sub(lambda variable: values.get(variable[1], ""), texts.get(name, default))
        found[name] = tuple(part.strip() for part in text.split("\n\n") if part.strip())
    return found
