"""The examples of the README match the answers of the API: the same errors, and data of the same shape."""

import json
import re
from typing import Any

from domain.access.people import Role
from tests.conftest import SignIn
from tests.house.source import PROJECT

_BLOCK = re.compile(r"^```(graphql|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_QUERY, *_ANSWERS = (body for _, body in _BLOCK.findall((PROJECT / "README.md").read_text(encoding="utf-8")))
_BILLER, _ATTORNEY, _NARROWER = map(json.loads, _ANSWERS)
_HIDDEN = " balance negotiation { offers { party amount } }"

_CHANGED = "README.md shows another answer than the API gives: if the API is right, put its answer into README.md"


def shape(answer: Any) -> Any:
    """The shape of an answer: keys in order, the type of each value, and the shape of the first element of a list."""
    if isinstance(answer, dict):
        return [(key, shape(value)) for key, value in answer.items()]
    if isinstance(answer, list):
        return [shape(answer[0])] if answer else []
    return type(answer)


def test_billing_staff_get_the_fields_that_the_readme_shows(sign_in: SignIn) -> None:
    assert shape(sign_in(Role.BILLING).ask(_QUERY)) == shape(_BILLER), _CHANGED


def test_an_attorney_gets_the_errors_that_the_readme_shows(sign_in: SignIn) -> None:
    assert sign_in(Role.ATTORNEY).ask(_QUERY) == _ATTORNEY, _CHANGED


def test_an_attorney_gets_the_fields_that_are_not_hidden(sign_in: SignIn) -> None:
    assert _HIDDEN in _QUERY, "the query in README.md no longer asks for what attorneys do not see: change _HIDDEN, too"
    assert shape(sign_in(Role.ATTORNEY).ask(_QUERY.replace(_HIDDEN, ""))) == shape(_NARROWER), _CHANGED


def test_an_attorney_counts_only_the_invoices_of_own_clients(sign_in: SignIn) -> None:
    counts = [
        sign_in(role).read("{ invoices { totalCount } }")["invoices"]["totalCount"]
        for role in (Role.BILLING, Role.ATTORNEY)
    ]
    assert counts[0] == _BILLER["data"]["invoices"]["totalCount"] > counts[1] > 0, _CHANGED
