"""Decides what runs where an operator lists the documents: those, by name, by hash or sent whole, and nothing else."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from schema.whole import role_schemas
from server.addresses import Address
from server.app import Running
from server.settings import SettingError
from server.trusted_documents import trusted_in
from tests.api.test_websocket import opened
from tests.client import Client, serving

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
def billing(folder: Path, address: Address) -> Iterator[Client]:
    with (
        serving(address, running=Running(trusted_documents=str(folder))) as url,
        Client(url) as nobody,
        nobody.signed_in("billing@demo.clinic") as somebody,
    ):
        yield somebody


@pytest.mark.parametrize(
    "asked",
    [
        {"query": PAGE},
        {"documentId": "page"},
        {"documentId": f"sha256:{by_hash(PAGE)}"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": by_hash(PAGE)}}},
    ],
    ids=["whole", "by name", "by hash", "as Apollo's clients say it"],
)
def test_a_listed_document_runs_however_it_is_meant(billing: Client, asked: dict[str, Any]) -> None:
    answer = billing.http.post(billing.url, json={**asked, "variables": {"first": 2}})
    assert len(answer.json()["data"]["invoices"]["nodes"]) == 2


@pytest.mark.parametrize(
    "asked",
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
def test_any_other_is_refused_before_it_is_read(billing: Client, asked: dict[str, Any]) -> None:
    answer = billing.http.post(billing.url, json={**asked, "variables": {"first": 2}})
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "DOCUMENT_NOT_LISTED"


def test_over_websocket_too(billing: Client) -> None:
    with opened(billing.url) as socket:
        socket.greet(billing.token)
        for meant in (PAGE, "page", f"sha256:{by_hash(PAGE)}"):
            said = socket.ask(meant, variables={"first": 2})
            assert len(said[0]["payload"]["data"]["invoices"]["nodes"]) == 2
        [refused] = socket.ask(CLOSED)
        assert refused["payload"][0]["extensions"]["code"] == "DOCUMENT_NOT_LISTED"


def test_where_nothing_is_listed_an_id_means_nothing(server_url: str) -> None:
    with Client(server_url) as nobody:
        answer = nobody.http.post(server_url, json={"documentId": "page"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "DOCUMENT_NOT_LISTED")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a", "{ viewer { id }", "a.graphql: Syntax Error"),
        ("a", "{ nothing }", "a.graphql: Cannot query field"),
        ("a b", "{ viewer { id } }", "a b.graphql: a name has"),
        ("a", "query A { viewer { id } } query B { viewer { id } }", "a.graphql: a file has one operation"),
    ],
)
def test_a_document_that_nobody_could_run_keeps_the_server_from_starting(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / f"{name}.graphql").write_text(text)
    with pytest.raises(SettingError, match=f"^BILLING_TRUSTED_DOCUMENTS is wrong: {words}"):
        trusted_in(str(tmp_path), role_schemas())


def test_a_folder_that_is_not_there_or_empty_keeps_it_from_starting_too(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SettingError, match="BILLING_TRUSTED_DOCUMENTS"):
            trusted_in(str(folder), role_schemas())
