"""Decides that a signed link is good for whom, for what and for as long as it was made, and not if a letter of it is changed."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.links import Bearer, bearer_of, seal

KEY, RECORD, NOW = b"k" * 32, UUID(int=77), datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
BEARER = Bearer(UUID(int=1), UUID(int=2), NOW + timedelta(minutes=15))
SEAL = seal(KEY, "documents", BEARER)
SIGNATURE = SEAL.signature(RECORD)


def test_a_link_says_who_bears_it_until_its_time_is_over() -> None:
    last = BEARER.expires_at - timedelta(microseconds=1)
    assert bearer_of(KEY, "documents", SEAL.token, SIGNATURE, RECORD, last) == BEARER
    assert bearer_of(KEY, "documents", SEAL.token, SIGNATURE, RECORD, BEARER.expires_at) is None


def test_a_link_is_good_for_one_record_of_one_kind_under_one_key() -> None:
    assert bearer_of(KEY, "documents", SEAL.token, SIGNATURE, UUID(int=78), NOW) is None
    assert bearer_of(KEY, "uploads", SEAL.token, SIGNATURE, RECORD, NOW) is None
    assert bearer_of(b"l" * 32, "documents", SEAL.token, SIGNATURE, RECORD, NOW) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(BEARER, clinic_id=UUID(int=9)),
        replace(BEARER, user_id=UUID(int=9)),
        replace(BEARER, expires_at=NOW + timedelta(days=9)),
    ],
)
def test_the_signature_of_one_bearer_is_no_other_s(other: Bearer) -> None:
    forged = seal(KEY, "documents", other)
    assert bearer_of(KEY, "documents", forged.token, forged.signature(RECORD), RECORD, NOW) == other
    assert bearer_of(KEY, "documents", forged.token, SIGNATURE, RECORD, NOW) is None


@pytest.mark.parametrize("place", range(len(SIGNATURE)))
def test_no_letter_of_a_signature_may_be_another(place: int) -> None:
    letter = "A" if SIGNATURE[place] != "A" else "B"
    changed = SIGNATURE[:place] + letter + SIGNATURE[place + 1 :]
    assert bearer_of(KEY, "documents", SEAL.token, changed, RECORD, NOW) is None


@pytest.mark.parametrize("place", range(len(SEAL.token)))
def test_no_letter_of_a_token_may_be_another(place: int) -> None:
    letter = "A" if SEAL.token[place] != "A" else "B"
    changed = SEAL.token[:place] + letter + SEAL.token[place + 1 :]
    assert bearer_of(KEY, "documents", changed, SIGNATURE, RECORD, NOW) is None


@given(token=st.text(st.characters(), max_size=80), signature=st.text(st.characters(), max_size=60))
def test_whatever_else_is_sent_is_nobody_s(token: str, signature: str) -> None:
    assert bearer_of(KEY, "documents", token, signature, RECORD, NOW) is None
    assert bearer_of(KEY, "documents", SEAL.token, signature, RECORD, NOW) is None


def test_a_signature_is_the_hmac_of_the_record_under_a_key_that_follows_from_kind_and_token() -> None:
    packed = base64.urlsafe_b64decode(SEAL.token + "==")
    derived = hmac.new(KEY, b"documents\0" + packed, hashlib.sha256).digest()
    expected = hmac.new(derived, RECORD.bytes, hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(SIGNATURE + "=") == expected
