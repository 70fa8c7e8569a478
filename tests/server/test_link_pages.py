"""The pages of one-time links: their headers, their files, and the mutations that their script sends."""

import re
from collections.abc import Iterator

import httpx
import pytest
from graphql import parse, validate

from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from server.http.link_pages import PATHS
from tests.support.client import serving


@pytest.fixture(scope="module")
def base_url(address: DatabaseUrls) -> Iterator[str]:
    with serving(address) as url:
        yield url.removesuffix("/graphql")


@pytest.mark.parametrize("path", sorted(PATHS))
def test_each_page_has_a_form_and_is_kept_and_framed_by_no_one(base_url: str, path: str) -> None:
    answer = httpx.get(f"{base_url}/{path}")
    assert answer.status_code == 200
    assert f'<form id="{path}"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"):
        assert part in policy


def test_pages_have_no_inline_script_or_style_and_refer_to_files_that_exist(base_url: str) -> None:
    page = httpx.get(f"{base_url}/{min(PATHS)}").text
    assert re.findall(r"<script(?![^>]* src=)|<style|style=|onclick=", page) == []
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(files) == 2
    for file in files:
        assert httpx.get(f"{base_url}/{file}").status_code == 200


@pytest.mark.parametrize("name", ["page.html", "unknown.js", "..%2fide.py", "%2e%2e/ide.py"])
def test_other_files_are_not_served(base_url: str, name: str) -> None:
    assert httpx.get(f"{base_url}/link-pages/{name}").status_code == 404


def test_the_mutations_of_the_script_are_those_of_anonymous_callers(base_url: str) -> None:
    script = httpx.get(f"{base_url}/link-pages/page.js").text
    documents = re.findall(r"query: [`\"](mutation.*?)[`\"],", script, re.DOTALL)
    assert len(documents) == len(PATHS)
    for document in documents:
        assert validate(role_schemas()[None], parse(document)) == []
