"""No check of graphql-cop finds anything in the real server, and none costs it much."""

from urllib.parse import urljoin

import httpx
import pytest

from tests.attacks.known import CHECKS, Check
from tests.client import Client


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_of_graphql_cop_finds_nothing(nobody: Client, check: Check) -> None:
    def ask(method: str, path: str = "/graphql", **more: object) -> httpx.Response:
        return httpx.request(method, urljoin(nobody.url, path), timeout=20, **more)  # type: ignore[arg-type]

    answer = check.send(ask)
    assert check.is_safe(answer), (answer.status_code, answer.text[:500])
    assert answer.elapsed.total_seconds() < 5
