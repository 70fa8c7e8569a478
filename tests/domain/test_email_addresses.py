"""E-mail addresses: one rule for every input, and what it accepts goes into a header and is read back unchanged."""

from email.headerregistry import Address

import pytest

from domain.access.accounts import columns
from domain.access.people import Role
from domain.access.sign_in import plain_email
from domain.errors import InvalidInput
from domain.texts import EMAIL, optional_text

VALID = [
    "ann@firm.example",
    "O'Neil+billing@mail.firm.example",
    "a.b-c_d%e@x-y.example",
    "A@B.Example",
    "=1+1@firm.example",
]
INVALID = [
    "<a@b>",
    "a,b@c.example",
    "a@b.example,c@d.example",
    "Ann <ann@firm.example>",
    "a\u202e@b.example",
    "a@b\ufeff.example",
    "a\u200b@b.example",
    "\uff41@b.example",
    "josé@firm.example",
    "a b@c.example",
    '"a b"@c.example',
    "a@[192.0.2.1]",
    "a@b",
    "a@b..example",
    ".a@b.example",
    "a@-b.example",
    "a@b.example\r\nBcc: c@d.example",
    "a@b.example\n",
    "a\tb@c.example",
    "a\x00@b.example",
    "@b.example",
    "a@",
    "a@@b.example",
    "a" * 65 + "@b.example",
    "a@" + "b" * 64 + ".example",
    "a@localhost",
    "mailto:a@b.example?cc=c@d.example",
]


@pytest.mark.parametrize("text", VALID)
def test_an_address_is_stored_as_it_is_and_is_safe_in_a_header(text: str) -> None:
    assert optional_text({"email": text}, "email", EMAIL) == text
    assert Address(addr_spec=text).addr_spec == text


@pytest.mark.parametrize("text", INVALID)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        optional_text({"email": text}, "email", EMAIL)
    assert refused.value.path == ("email",)
    with pytest.raises(InvalidInput):
        columns({"email": text, "name": "Ann", "role": Role.BILLING})


def test_an_international_domain_is_stored_in_ascii_and_signs_in_however_it_is_typed() -> None:
    stored = columns({"email": "Ann@Müller.example", "name": "Ann", "role": Role.BILLING})["email"]
    assert stored == "ann@xn--mller-kva.example"
    assert plain_email("ann@müller.example") == plain_email("ANN@MÜLLER.EXAMPLE") == stored


def test_an_address_of_older_data_is_looked_up_as_it_is() -> None:
    assert plain_email("Somebody@Localhost") == "somebody@localhost"
