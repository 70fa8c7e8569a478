"""No check of graphql-cop finds a weakness in the real server, and each is answered within 5 seconds."""

from urllib.parse import urljoin

import httpx
import pytest

from tests.attacks.graphql_cop import CHECKS, Check
from tests.support.client import Client


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_of_graphql_cop_finds_nothing(anonymous: Client, check: Check) -> None:
    def ask(method: str, path: str = "/graphql", **more: object) -> httpx.Response:
        return httpx.request(method, urljoin(anonymous.url, path), timeout=20, **more)  # type: ignore[arg-type]

    answer = check.send(ask)
    assert check.is_safe(answer), (answer.status_code, answer.text[:500])
    assert answer.elapsed.total_seconds() < 5
