"""The GraphiQL page in a real browser: its form asks for what the server asks for, and its policy is not violated."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest

from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.api.access.test_memberships import in_both, protect
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, copied
from tests.support.other_clinic import OTHER, add_other_clinic


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


@pytest.fixture
def anonymous(address: DatabaseUrls) -> Iterator[Client]:
    with serving(address) as url, Client(url) as client:
        yield client


@pytest.fixture
def said(page: Any) -> list[str]:
    """What the browser reports: errors, and violations of the Content Security Policy."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def fill_in(page: Any, **values: str) -> None:
    """Fill the fields of the form by their labels, and send it."""
    for label, value in values.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Sign in").click()


def test_a_biller_signs_in_and_asks(page: Any, anonymous: Client, said: list[str]) -> None:
    page.goto(anonymous.url)
    fill_in(page, **{"E-mail": "billing@demo.example", "Password": "wrong"})
    page.get_by_text("The e-mail or the password is wrong").wait_for()
    fill_in(page, Password=PASSWORD)
    page.get_by_text("BILLING", exact=True).wait_for()
    page.get_by_role("button", name="Execute query").click()
    page.get_by_text('"billing@demo.example"').first.wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("Not signed in.").wait_for()
    assert said == []
    assert page.evaluate("localStorage.length") == 0


def test_the_form_asks_for_the_second_factor_and_then_for_the_clinic(
    page: Any, anonymous: Client, address: DatabaseUrls, said: list[str]
) -> None:
    email = in_both(anonymous, address)
    secret = protect(anonymous, email)
    page.goto(anonymous.url)
    fill_in(page, **{"E-mail": email, "Password": PASSWORD})
    page.get_by_text("Type the code of your authenticator app.").wait_for()
    fill_in(page, Code=pyotp.TOTP(secret).at(datetime.now(UTC)))
    page.get_by_text("Choose the clinic.").wait_for()
    page.get_by_label("Clinic", exact=True).select_option(OTHER)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text(email).first.wait_for()
    assert said == []
