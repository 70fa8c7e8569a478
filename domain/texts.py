"""Checks texts in the input: maximum length, single or multiple lines, required or optional, and format."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from typing import Any

from domain.errors import InputErrors, InputReason, InvalidInput
from domain.normal_forms import clean_text, code_form

_LINE_BREAKS = ("Cc", "Zl", "Zp")


def can_be_kept(text: str) -> bool:
    """Whether PostgreSQL can store a text: it contains neither NUL nor half a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


@dataclass(frozen=True, slots=True)
class Text:
    """The rule for a text: maximum length, one line unless `lines`, not blank where `needed`, and the format `form`.

    A text of one line is stored in its normal form, one with `capitals` in capital letters. `read` gives the text as it is
    stored instead, and raises ValueError for one that is not of the format.
    """

    longest: int
    needed: bool = False
    lines: bool = False
    capitals: bool = False
    form: str = ""
    words: str = ""
    read: Callable[[str], str] | None = None


_BLANK = "This cannot be left blank"


def email_address(text: str) -> str:
    """An e-mail address in ASCII, which every header and mail server takes; ValueError for any other text.

    >>> email_address("ann@müller.example")
    'ann@xn--mller-kva.example'
    """
    # Imported only where an address is checked, which few commands do.
    from email_validator import validate_email  # noqa: PLC0415

    found = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
    ascii_email = str(found.ascii_email)
    try:
        Address(addr_spec=ascii_email)
    except (MessageError, IndexError) as error:
        raise ValueError("no address of a header") from error
    return text if text.isascii() else ascii_email


NAME = Text(200, needed=True)
PHONE = Text(50)
ADDRESS = Text(500, lines=True)
EMAIL = Text(254, words="An e-mail address looks like name@example.com", read=email_address)
REASON = Text(2_000, needed=True, lines=True)
REMARK = Text(2_000, lines=True)
NOTE = Text(10_000, lines=True)
# A code or a number that another organisation has assigned.
CODE = Text(200, needed=True, capitals=True)


def checked(inputs: Mapping[str, Any], texts: Mapping[str, Text]) -> dict[str, str | None]:
    """The given texts as they are stored: a blank one becomes None. InvalidInput names those that are not valid."""
    try:
        return {name: _checked(name, inputs[name], text) for name, text in texts.items() if name in inputs}
    except InvalidInput:
        errors = InputErrors()
        for name, text in texts.items():
            with errors.part():
                if name in inputs:
                    _checked(name, inputs[name], text)
        errors.check()
        raise


def required_text(inputs: Mapping[str, Any], name: str, text: Text) -> str:
    """A text that is required here, even where its rule makes it optional."""
    kept = _checked(name, inputs.get(name), text)
    if kept is None:
        raise InvalidInput(_BLANK, (name,), InputReason.BLANK)
    return kept


def optional_text(inputs: Mapping[str, Any], name: str, text: Text) -> str | None:
    """An optional text; None when it is missing or blank."""
    return checked(inputs, {name: text}).get(name)


def _checked(name: str, value: str | None, text: Text) -> str | None:
    if value is not None and not text.lines and text.read is None:
        value = code_form(value) if text.capitals else clean_text(value)
    if value is None or not value.strip():
        if text.needed:
            raise InvalidInput(_BLANK, (name,), InputReason.BLANK)
        return None
    if len(value) > text.longest:
        words = f"This has at most {text.longest:,} characters"
        raise InvalidInput(words, (name,), InputReason.TOO_LONG, str(text.longest))
    # No line break is printable, and isprintable() is the faster check.
    if (
        not text.lines
        and not value.isprintable()
        and any(unicodedata.category(letter) in _LINE_BREAKS for letter in value)
    ):
        is_broken = len(value.splitlines()) > 1
        words = "The text must be a single line" if is_broken else "The text contains a control character"
        raise InvalidInput(words, (name,), InputReason.BAD_FORMAT)
    if text.form and not re.fullmatch(text.form, value):
        raise InvalidInput(text.words, (name,), InputReason.BAD_FORMAT)
    try:
        return text.read(value) if text.read else value
    except ValueError:
        raise InvalidInput(text.words, (name,), InputReason.BAD_FORMAT) from None
