"""The context of a compiled read."""

from uuid import UUID

import pytest

from domain.access.people import Role
from domain.access.signed_urls import LIFETIMES
from permissions.viewers import Viewer
from resolvers.context import ReadContext

VIEWER = Viewer(UUID(int=1), UUID(int=2), UUID(int=3), Role.BILLING, None, "a@b.example", "A", "a", "A", "UTC")


@pytest.mark.parametrize("kind", sorted(LIFETIMES))
def test_a_read_without_a_key_signs_no_url(kind: str) -> None:
    with pytest.raises(AssertionError, match="need a key"):
        ReadContext(VIEWER).url_signer(kind)
    assert ReadContext(VIEWER, link_key=bytes(32)).url_signer(kind).token
