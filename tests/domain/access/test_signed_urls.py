"""A signed URL is valid for its user, its record and its time only, and invalid if one character is changed."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.signed_urls import Bearer, bearer_of, signer_of

KEY, RECORD, NOW = b"k" * 32, UUID(int=77), datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
BEARER = Bearer(UUID(int=1), UUID(int=2), UUID(int=3), b"8 bytes.", NOW + timedelta(minutes=15))
SIGNER = signer_of(KEY, "documents", BEARER)
SIGNATURE = SIGNER.signature(RECORD)


def test_a_signed_url_names_its_bearer_until_it_expires() -> None:
    last = BEARER.expires_at - timedelta(microseconds=1)
    assert bearer_of([KEY], "documents", SIGNER.token, SIGNATURE, RECORD, last) == BEARER
    assert bearer_of([KEY], "documents", SIGNER.token, SIGNATURE, RECORD, BEARER.expires_at) is None


def test_a_signed_url_is_valid_for_one_record_of_one_kind_under_one_key() -> None:
    assert bearer_of([KEY], "documents", SIGNER.token, SIGNATURE, UUID(int=78), NOW) is None
    assert bearer_of([KEY], "uploads", SIGNER.token, SIGNATURE, RECORD, NOW) is None
    assert bearer_of([b"l" * 32], "documents", SIGNER.token, SIGNATURE, RECORD, NOW) is None
    assert bearer_of([], "documents", SIGNER.token, SIGNATURE, RECORD, NOW) is None


def test_a_signed_url_is_valid_under_any_of_several_keys() -> None:
    for keys in ([KEY, b"l" * 32], [b"l" * 32, b"m" * 32, KEY]):
        assert bearer_of(keys, "documents", SIGNER.token, SIGNATURE, RECORD, NOW) == BEARER


@pytest.mark.parametrize(
    "other",
    [
        replace(BEARER, clinic_id=UUID(int=9)),
        replace(BEARER, user_id=UUID(int=9)),
        replace(BEARER, session_id=UUID(int=9)),
        replace(BEARER, access_stamp=b"8 others"),
        replace(BEARER, expires_at=NOW + timedelta(days=9)),
    ],
)
def test_the_signature_of_one_bearer_is_invalid_for_another(other: Bearer) -> None:
    forged = signer_of(KEY, "documents", other)
    assert bearer_of([KEY], "documents", forged.token, forged.signature(RECORD), RECORD, NOW) == other
    assert bearer_of([KEY], "documents", forged.token, SIGNATURE, RECORD, NOW) is None


@pytest.mark.parametrize("position", range(len(SIGNATURE)))
def test_a_signature_with_one_changed_character_is_invalid(position: int) -> None:
    replacement = "A" if SIGNATURE[position] != "A" else "B"
    changed = SIGNATURE[:position] + replacement + SIGNATURE[position + 1 :]
    assert bearer_of([KEY], "documents", SIGNER.token, changed, RECORD, NOW) is None


@pytest.mark.parametrize("position", range(len(SIGNER.token)))
def test_a_token_with_one_changed_character_is_invalid(position: int) -> None:
    replacement = "A" if SIGNER.token[position] != "A" else "B"
    changed = SIGNER.token[:position] + replacement + SIGNER.token[position + 1 :]
    assert bearer_of([KEY], "documents", changed, SIGNATURE, RECORD, NOW) is None


@given(token=st.text(st.characters(), max_size=80), signature=st.text(st.characters(), max_size=60))
def test_any_other_text_as_token_or_signature_is_invalid(token: str, signature: str) -> None:
    assert bearer_of([KEY], "documents", token, signature, RECORD, NOW) is None
    assert bearer_of([KEY], "documents", SIGNER.token, signature, RECORD, NOW) is None


def test_a_signature_is_the_hmac_of_the_record_under_a_key_derived_from_kind_and_token() -> None:
    packed = base64.urlsafe_b64decode(SIGNER.token + "==")
    derived = hmac.new(KEY, b"documents\0" + packed, hashlib.sha256).digest()
    expected = hmac.new(derived, RECORD.bytes, hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(SIGNATURE + "=") == expected
