"""Signed URLs of uploads, documents and exports: a changed one is refused with 403, and never opens another user's file."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx
import pytest
from hypothesis import strategies as st

from db.global_ids import make_id
from domain.access.people import Role
from domain.access.signed_urls import LIFETIMES, Bearer, bearer_of, signer_of
from server.database_urls import DatabaseUrls
from tests.decoders.fuzzing import TEXTS, answered, fuzz, fuzzed, mutants
from tests.storage.stores import Folder
from tests.support.api.scans import PDF, House, created, demo_user, house_over, identity_of, link, sent
from tests.support.databases import rows

KEY, RECORD, NOW = b"k" * 32, UUID(int=77), datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def house(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from house_over(address, Folder(tmp_path_factory.mktemp("home")))


@fuzzed
def test_no_change_of_a_token_or_signature_names_a_bearer(examples: int) -> None:
    bearers = [
        Bearer(UUID(int=clinic), UUID(int=user), UUID(int=5), bytes([user] * 8), NOW + timedelta(minutes=15))
        for clinic in (1, 2)
        for user in (3, 4)
    ]
    signers = {
        bearer: signer_of(KEY, kind, bearer) for bearer, kind in zip(bearers, itertools.cycle(LIFETIMES), strict=False)
    }
    valid = {(signer.token, signer.signature(RECORD)) for signer in signers.values()}
    tokens = [signer.token for signer in signers.values()]
    signatures = [signer.signature(record) for signer in signers.values() for record in (RECORD, UUID(int=78))]

    def check(given: tuple[str, str, str]) -> None:
        kind, token, signature = given
        bearer = bearer_of([KEY], kind, token, signature, RECORD, NOW)
        assert bearer is None or ((token, signature) in valid and signers[bearer].token == token)

    texts = st.sampled_from(tokens) | mutants(tokens) | TEXTS
    marks = st.sampled_from(signatures) | mutants(signatures) | TEXTS
    fuzz(examples * 20, st.tuples(st.sampled_from(list(LIFETIMES)), texts, marks), check)


@pytest.fixture(scope="module")
def urls(house: House) -> dict[str, str]:
    """URLs that are right in themselves, each of another kind, record or user."""
    document, bearer = identity_of(sent(house.biller, PDF)), demo_user(house, Role.BILLING)
    rows(house.address, "update exports set status = 'expired'")
    identity = rows(house.address, "select id from exports limit 1")[0]["id"]
    return {
        "upload": created(house.biller)["uploadUrl"],
        "upload of another": created(house.admin)["uploadUrl"],
        "document": link(house, "documents", document, bearer),
        "no record": link(house, "documents", UUID(int=5), bearer),
        "export": link(house, "exports", identity, bearer).replace(
            make_id("Upload", identity), make_id("Export", identity)
        ),
    }


@st.composite
def changed(draw: st.DrawFn, urls: list[str]) -> str:
    """The path and query of a URL with its parts mixed with those of others, repeated, changed, or with any text."""
    one, other = draw(st.sampled_from(urls)), draw(st.sampled_from(urls))
    paths = [urlsplit(url).path for url in (one, other)]
    queries = [dict(part.split("=", 1) for part in urlsplit(url).query.split("&")) for url in (one, other)]
    path = draw(st.sampled_from(paths) | mutants(paths))
    values = {
        name: draw(
            st.sampled_from([query[name] for query in queries]) | mutants([query[name] for query in queries]) | TEXTS
        )
        for name in ("token", "signature")
        if draw(st.integers(0, 9))
    }
    parts = [f"{name}={quote(value.encode('utf-8', 'replace'))}" for name, value in values.items()]
    again = draw(st.booleans())
    return (
        "/"
        + quote(path.encode("utf-8", "replace").lstrip(b"/"), safe="/%")
        + "?"
        + "&".join([*parts, *(parts[:1] if again else ())])
    )


@fuzzed
def test_a_url_with_changed_or_exchanged_parts_is_refused_and_stores_and_shows_nothing(
    house: House, urls: dict[str, str], examples: int
) -> None:
    exact = {url.replace(house.url.removesuffix("/graphql"), "") for url in urls.values()}
    host = house.url.removesuffix("/graphql")
    files, stored = set(house.place.held()), [False]
    client = house.anonymous.http

    def check(given: tuple[str, str]) -> None:
        method, path = given
        response = client.request(method, host + path, content=PDF if method == "PUT" else None)
        if path in exact and response.status_code not in (403, 405):
            stored.append(response.status_code == 201)
            return
        assert response.status_code in (307, 403, 404, 405, 410), (response.status_code, path)
        if response.status_code == 403:
            answered(response, 403)
            assert "requestId" not in response.text

    fuzz(
        examples,
        st.tuples(
            st.sampled_from(["GET", "PUT", "POST"]),
            changed(list(urls.values())),
        ),
        check,
    )
    # The exact URL of an upload is valid, once.
    assert len(set(house.place.held()) - files) == sum(stored) <= 2


RANGES = [
    "bytes=0-0",
    "bytes=5-",
    "bytes=-5",
    "bytes=0-99999999999999999999",
    "bytes=9-1",
    "bytes=0-1,3-4",
    "items=0-1",
    "bytes=--1",
]


@fuzzed
def test_any_range_and_etag_of_a_document_is_answered(house: House, urls: dict[str, str], examples: int) -> None:
    names = st.sampled_from(["range", "if-range", "if-none-match", "if-modified-since", "accept-encoding"])
    values = st.sampled_from(RANGES) | mutants(RANGES, "=-,") | TEXTS

    def check(headers: dict[str, str]) -> None:
        sendable = {
            name.encode(): "".join(letter for letter in value if " " <= letter != "\x7f").strip().encode()
            for name, value in headers.items()
        }
        response = house.anonymous.http.get(urls["document"], headers=sendable)
        assert response.status_code in (200, 206, 304, 416), response.text
        assert response.status_code == 304 or response.content == PDF

    fuzz(examples, st.dictionaries(names, values, max_size=3), check)


@fuzzed
def test_an_upload_of_any_content_is_refused_with_a_reason_or_stored_whole(house: House, examples: int) -> None:
    def check(given: tuple[bytes, int]) -> None:
        body, announced = given
        upload: Any = created(house.biller, byteSize=announced)
        response: httpx.Response = house.anonymous.http.put(upload["uploadUrl"], content=body)
        if response.status_code == 201:
            assert (len(body), body[:5]) == (announced, b"%PDF-")
        else:
            answered(response, 400, 415)

    bodies = st.one_of(st.binary(max_size=200), st.binary(max_size=50).map(lambda tail: PDF[:20] + tail))
    fuzz(
        examples,
        bodies.flatmap(lambda body: st.tuples(st.just(body), st.sampled_from([max(1, len(body)), 1, 25]))),
        check,
    )
