"""What the tests of decoders share: the records of two clinics, and signed-in clients."""

import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.records import Found, find_records
from tests.support.client import Client


@pytest.fixture(scope="module")
def found(address: DatabaseUrls) -> Found:
    """Ids of the demo clinic and of a foreign one."""
    return find_records(address)


@pytest.fixture(scope="module")
def admin(sign_in: SignIn, found: Found) -> Client:
    return sign_in(Role.ADMIN)
