"""No counter, limit, cache, key or link of one user, clinic or token is moved or opened by another one."""

import re
from collections.abc import Iterator
from dataclasses import fields

import pytest

from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from server.settings import SETTINGS
from tests.house.source import LAYERS, files, name
from tests.isolation.inventory import CONSTRUCTED, STORES, Store
from tests.isolation.parties import Party, parties
from tests.support.databases import copied, rows
from tests.support.other_clinic import add_other_clinic

# What keeps something for longer than a request.
_CONSTRUCTS = re.compile(
    r"(?:= |\()(?:TTLCache|LRUCache|WeakValueDictionary|WeakKeyDictionary)\(|= RateLimiter\(|ConcurrencyLimit\(size|= ConcurrencyLimit\("
    r"|^\s*@(?:lru_cache|cache)\b|self\._\w+: dict\[\w+, set|= TTLCache|_subscribers: dict",
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """The demo clinic and its copy, with the same users in both."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_what_one_party_moves_is_not_moved_for_another(address: DatabaseUrls, store: Store) -> None:
    rows(address, "delete from sign_in_attempts")
    with parties(address, store.requests_per_minute) as everybody:
        others: dict[str, Party] = {who: getattr(everybody, who) for who in store.apart}
        before = {who: store.moved(everybody, party) for who, party in others.items()}
        assert before == dict.fromkeys(others, False)
        store.move(everybody)
        assert store.moved(everybody, everybody.first), "the test does not move what it is about"
        assert {who: store.moved(everybody, party) for who, party in others.items()} == before
        if held := everybody.notes.get("held"):
            held.close()


def test_everything_that_outlives_a_request_is_in_the_inventory() -> None:
    counts = {name(path): len(_CONSTRUCTS.findall(path.read_text(encoding="utf-8"))) for path in files(*LAYERS)}
    found = {module: count for module, count in counts.items() if count}
    assert found == {module: count for module, (count, _) in CONSTRUCTED.items()}, (
        "say in CONSTRUCTED by what the cache or limit is kept apart, and add a Store that moves it"
    )


def test_every_setting_of_a_limit_is_tried() -> None:
    limits = {field for field, setting in SETTINGS.items() if "rate limit" in setting.meaning}
    assert limits == {field.name for field in fields(Store)} & set(SETTINGS)
    assert any(store.requests_per_minute for store in STORES)
