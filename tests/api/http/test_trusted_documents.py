"""Trusted documents: where an operator lists documents, those run by name, by hash or by text, and no others."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from schema.whole import role_schemas
from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from server.execution.requests import GraphQLRequest
from server.execution.trusted_documents import trusted_in
from server.settings import SettingError
from tests.api.http.test_websocket import opened
from tests.support.client import Client, serving

SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token errors { message } } }"
PAGE = "query Page($first: Int!) { invoices(first: $first) { nodes { ...Row } } }\nfragment Row on Invoice { number }\n"
CLOSED = "{ viewer { id } }"


def by_hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("documents")
    (made / "sign-in.graphql").write_text(SIGN_IN)
    (made / "page.graphql").write_text(PAGE)
    return made


@pytest.fixture(scope="module")
def billing(folder: Path, address: DatabaseUrls) -> Iterator[Client]:
    with (
        serving(address, running=ServerOptions(trusted_documents=str(folder))) as url,
        Client(url) as anonymous,
        anonymous.signed_in("billing@demo.example") as client,
    ):
        yield client


@pytest.mark.parametrize(
    "request_body",
    [
        {"query": PAGE},
        {"documentId": "page"},
        {"documentId": f"sha256:{by_hash(PAGE)}"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": by_hash(PAGE)}}},
    ],
    ids=["whole", "by name", "by hash", "as Apollo's clients send it"],
)
def test_a_listed_document_runs_by_every_kind_of_reference(billing: Client, request_body: dict[str, Any]) -> None:
    answer = billing.http.post(billing.url, json={**request_body, "variables": {"first": 2}})
    assert len(answer.json()["data"]["invoices"]["nodes"]) == 2


@pytest.mark.parametrize(
    "request_body",
    [
        {"query": CLOSED},
        {"query": PAGE + " "},
        {"query": CLOSED, "documentId": "other"},
        {"documentId": "other"},
        {"documentId": f"sha256:{by_hash(CLOSED)}"},
        {"query": "{ __schema { types { name } } }"},
    ],
    ids=ascii,
)
def test_any_other_document_is_refused_before_it_is_parsed(billing: Client, request_body: dict[str, Any]) -> None:
    answer = billing.http.post(billing.url, json={**request_body, "variables": {"first": 2}})
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "DOCUMENT_NOT_LISTED"


@pytest.mark.parametrize(
    ("request_body", "code"),
    [
        ({}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"query": CLOSED}, "DOCUMENT_NOT_LISTED"),
        ({"documentId": "page"}, "PERSISTED_QUERY_NOT_FOUND"),
    ],
    ids=ascii,
)
def test_an_unknown_hash_of_a_persisted_query_is_not_found_and_its_text_not_listed(
    billing: Client, request_body: dict[str, Any], code: str
) -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": by_hash(CLOSED)}}
    answer = billing.http.post(billing.url, json={**request_body, "extensions": extensions})
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (400, code)


def test_a_persisted_query_with_its_text_runs_whatever_its_hash_is(billing: Client) -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    answer = billing.http.post(billing.url, json={"query": PAGE, "variables": {"first": 1}, "extensions": extensions})
    assert len(answer.json()["data"]["invoices"]["nodes"]) == 1


def test_without_a_list_the_text_of_a_persisted_query_is_asked_for(server_url: str) -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": by_hash("{ __typename }")}}
    with Client(server_url) as anonymous:
        refused = anonymous.http.post(server_url, json={"extensions": extensions})
        run = anonymous.http.post(server_url, json={"query": "{ __typename }", "extensions": extensions})
    [error] = refused.json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == (
        "PersistedQueryNotSupported",
        "PERSISTED_QUERY_NOT_SUPPORTED",
    )
    assert run.json() == {"data": {"__typename": "Query"}}


_APOLLO = {"format": "apollo-persisted-query-manifest", "version": 1}


@pytest.mark.parametrize(
    ("manifest", "identity"),
    [
        ({by_hash(PAGE): PAGE}, by_hash(PAGE)),
        ({"0123456789abcdef0123456789abcdef": PAGE}, "0123456789abcdef0123456789abcdef"),
        ({**_APOLLO, "operations": [{"id": "page-1", "name": "Page", "type": "query", "body": PAGE}]}, "page-1"),
    ],
    ids=["code generator", "Relay", "Apollo"],
)
def test_the_manifests_of_clients_are_lists_of_documents(tmp_path: Path, manifest: Any, identity: str) -> None:
    (tmp_path / "documents.json").write_text(json.dumps(manifest))
    documents = trusted_in(str(tmp_path), role_schemas())
    assert documents.text_of(GraphQLRequest(None, None, None, identity)) == PAGE
    assert documents.text_of(GraphQLRequest(None, None, None, persisted_hash=by_hash(PAGE))) == PAGE


def test_two_manifests_stand_side_by_side_so_that_apps_of_the_last_build_go_on(tmp_path: Path) -> None:
    for name, text in (("before", PAGE), ("now", SIGN_IN)):
        (tmp_path / f"{name}.json").write_text(json.dumps({by_hash(text): text}))
    documents = trusted_in(str(tmp_path), role_schemas())
    for text in (PAGE, SIGN_IN):
        assert documents.text_of(GraphQLRequest(None, None, None, by_hash(text))) == text


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"a": 1}', '{"a b": "{ viewer { id } }"}', '{"a": "{ nothing }"}', json.dumps(_APOLLO)]
)
def test_a_manifest_that_cannot_be_read_prevents_the_server_from_starting(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(SettingError, match=r"^BILLING_TRUSTED_DOCUMENTS is wrong: a\.json"):
        trusted_in(str(tmp_path), role_schemas())


def test_the_list_applies_to_websockets_too(billing: Client) -> None:
    with opened(billing.url) as socket:
        socket.greet(billing.token)
        for reference in (PAGE, "page", f"sha256:{by_hash(PAGE)}"):
            answers = socket.ask(reference, variables={"first": 2})
            assert len(answers[0]["payload"]["data"]["invoices"]["nodes"]) == 2
        [refused] = socket.ask(CLOSED)
        assert refused["payload"][0]["extensions"]["code"] == "DOCUMENT_NOT_LISTED"


def test_without_a_list_a_document_id_is_refused(server_url: str) -> None:
    with Client(server_url) as anonymous:
        answer = anonymous.http.post(server_url, json={"documentId": "page"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "DOCUMENT_NOT_LISTED")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a", "{ viewer { id }", "a.graphql: Syntax Error"),
        ("a", "{ nothing }", "a.graphql: Cannot query field"),
        ("a b", "{ viewer { id } }", "a b.graphql: a name has"),
        (
            "a",
            "query A { viewer { id } } query B { viewer { id } }",
            "a.graphql: a document must have exactly one operation",
        ),
    ],
)
def test_an_invalid_listed_document_prevents_the_server_from_starting(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / f"{name}.graphql").write_text(text)
    with pytest.raises(SettingError, match=f"^BILLING_TRUSTED_DOCUMENTS is wrong: {message}"):
        trusted_in(str(tmp_path), role_schemas())


def test_a_missing_or_empty_folder_prevents_the_server_from_starting(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SettingError, match="BILLING_TRUSTED_DOCUMENTS"):
            trusted_in(str(folder), role_schemas())
