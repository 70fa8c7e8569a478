"""Attacks on links to a new password: by parallel use, by the Host header, by long input, and beside the lockout of sign-in."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.database_urls import DatabaseUrls
from tests.clients.test_page import blocks
from tests.mail.test_one_time_links import ASK, NOT_VALID, PUBLIC, Mailing, address, mailing, token
from tests.support.api.sign_in_attempts import WRONG
from tests.support.databases import PASSWORD, rows

# The fixtures of the server that sends links.
__all__ = ["address", "mailing"]
_ATTEMPTS = 8


@pytest.fixture
def links_of_each_test(address: DatabaseUrls) -> Iterator[None]:
    """No test asks for more links than an address may."""
    rows(address, "delete from sign_in_attempts")
    yield
    rows(address, "delete from sign_in_attempts")


def _link(mailing: Mailing) -> tuple[str, str]:
    """An e-mail, and the token of a link that was sent to it."""
    known = mailing.account()
    mailing.ask(known.email)
    mailing.send()
    return known.email, token(mailing.link_to(known.email))


pytestmark = pytest.mark.usefixtures("links_of_each_test")


def test_of_parallel_uses_of_one_link_one_sets_its_password(mailing: Mailing) -> None:
    email, sent = _link(mailing)
    passwords = [f"a new password, number {number}" for number in range(_ATTEMPTS)]
    with ThreadPoolExecutor(_ATTEMPTS) as pool:
        answers = list(pool.map(lambda password: mailing.reset(sent, password), passwords))
    [place] = [place for place, answer in enumerate(answers) if answer["isChanged"]]
    assert {answer["errors"][0]["message"] for answer in answers if not answer["isChanged"]} == {NOT_VALID}
    assert mailing.signs_in(email, passwords[place])
    assert mailing.signs_in(email, passwords[place - 1]) is None


def test_the_link_is_to_the_public_address_whatever_host_the_request_names(mailing: Mailing) -> None:
    known = mailing.account()
    body = json.dumps({"query": ASK, "variables": {"input": {"email": known.email}}})
    for headers in ({"host": "evil.example"}, {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}):
        mailing.client.http.post(
            mailing.client.url, content=body, headers={"content-type": "application/json", **headers}
        )
        mailing.send()
        assert mailing.link_to(known.email).startswith(f"{PUBLIC}/password-reset#")


@pytest.mark.parametrize("sent", ["", "x" * 100_000, "\u00e9" * 64, "A" * 64])
def test_a_token_of_no_link_is_refused_whatever_its_length(mailing: Mailing, sent: str) -> None:
    assert mailing.reset(sent)["errors"][0]["message"] == NOT_VALID


def test_a_password_that_is_too_long_leaves_the_link_as_it_is(mailing: Mailing) -> None:
    email, sent = _link(mailing)
    assert mailing.reset(sent, "p" * 201)["errors"][0]["path"] == ["input", "password"]
    assert mailing.signs_in(email, PASSWORD)
    assert mailing.reset(sent)["isChanged"]


def test_a_locked_sign_in_stops_no_link_and_guesses_are_no_use_after_it(mailing: Mailing) -> None:
    known = mailing.account()
    for _ in range(10):
        assert mailing.signs_in(known.email, WRONG) is None
    assert mailing.signs_in(known.email, PASSWORD) is None
    mailing.ask(known.email)
    mailing.send()
    assert mailing.reset(token(mailing.link_to(known.email)), "a quite new password")["isChanged"]
    # The lockout is of the e-mail and the address from which it was guessed: whoever guesses gains nothing by a link.
    assert mailing.signs_in(known.email, "a quite new password") is None


def test_the_documents_of_the_page_for_client_apps_ask_for_a_link_and_use_it(mailing: Mailing) -> None:
    ask, use = (next(text for text in blocks("graphql") if name in text) for name in ("AskForLink", "UseLink"))
    known = mailing.account()
    assert mailing.client.read(ask, input={"email": known.email})["requestPasswordReset"]["isRequested"]
    mailing.send()
    sent = {"token": token(mailing.link_to(known.email)), "password": "a password of the page"}
    assert mailing.client.read(use, input=sent)["resetPassword"] == {"isChanged": True, "errors": []}
