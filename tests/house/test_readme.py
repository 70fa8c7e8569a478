"""What the README shows of the API is what the API answers: the same refusals, and data of the same shape."""

import json
import re
from typing import Any

from domain.people import Role
from tests.conftest import SignIn
from tests.house.source import PROJECT

_BLOCK = re.compile(r"^```(graphql|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_QUERY, *_ANSWERS = (body for _, body in _BLOCK.findall((PROJECT / "README.md").read_text(encoding="utf-8")))
_BILLER, _ATTORNEY, _NARROWER = map(json.loads, _ANSWERS)
_HIDDEN = " balance negotiation { offers { party amount } }"


def shape(answer: Any) -> Any:
    """An answer without its values: keys in their order, the kind of each value, what one element of a list looks like."""
    if isinstance(answer, dict):
        return [(key, shape(value)) for key, value in answer.items()]
    if isinstance(answer, list):
        return [shape(answer[0])] if answer else []
    return type(answer)


def test_billing_staff_get_the_fields_that_the_readme_shows(sign_in: SignIn) -> None:
    assert shape(sign_in(Role.BILLING).ask(_QUERY)) == shape(_BILLER)


def test_an_attorney_is_refused_in_the_words_that_the_readme_shows(sign_in: SignIn) -> None:
    assert sign_in(Role.ATTORNEY).ask(_QUERY) == _ATTORNEY


def test_an_attorney_gets_the_rest(sign_in: SignIn) -> None:
    assert _HIDDEN in _QUERY
    assert shape(sign_in(Role.ATTORNEY).ask(_QUERY.replace(_HIDDEN, ""))) == shape(_NARROWER)


def test_an_attorney_counts_the_own_clients_alone(sign_in: SignIn) -> None:
    counts = [
        sign_in(role).read("{ invoices { totalCount } }")["invoices"]["totalCount"]
        for role in (Role.BILLING, Role.ATTORNEY)
    ]
    assert counts[0] == _BILLER["data"]["invoices"]["totalCount"] > counts[1] > 0
