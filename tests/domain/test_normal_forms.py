"""The normal form of texts: what a person reads as the same has the same key, and forms do not change when they are applied again."""

# ruff: noqa: RUF001 (characters that look alike are what is tested)

import unicodedata
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.normal_forms import clean_text, code_form, name_fragments, normal_key, phone_key
from domain.texts import CODE, NAME, NOTE, Text, required_text

ALIKE = (
    ("MRN-000005", "MRN-000005 ", "mrn-000005", "MRN-000005", "MRN\u2011000005", "\ufeffMRN-000005", "ＭＲＮ－000005"),
    ("Esmé", "ESMÉ", "Esme\u0301", "Esme", "Es\u00admé", "Esm\u200bé"),
    ("O'Neil", "O’Neil", "O‘Neil", "Oʼneil", "O`Neil", "O´Neil", "O′Neil"),
    ("Ann  Lee", "Ann Lee", "Ann\u00a0Lee", "Ann\u2003Lee", " ann lee"),
    ("Straße", "STRASSE", "strasse"),
    ("Łukasz Đorđević", "lukasz dordevic"),
    ("İstanbul", "istanbul", "ISTANBUL"),
    ("Ωmέγας", "ωμεγασ".replace("μ", "m"), "ωmεγας"),
    ("x\u3164y", "xy", "x\u2060y", "x\ufe0fy"),
)
UNLIKE = (("MRN-5", "MRN-05"), ("MRN-5", "MRN5"), ("1001", "001001"), ("Ann Lee", "AnnLee"), ("A.B", "AB"))


@pytest.mark.parametrize("texts", ALIKE, ids=[texts[0] for texts in ALIKE])
def test_texts_that_a_person_reads_as_the_same_have_one_key(texts: tuple[str, ...]) -> None:
    assert {normal_key(text) for text in texts} == {normal_key(texts[0])}


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_texts_that_a_person_tells_apart_have_two_keys(one: str, other: str) -> None:
    assert normal_key(one) != normal_key(other)


@given(st.text())
def test_forms_do_not_change_when_they_are_applied_again(text: str) -> None:
    for form in (clean_text, normal_key, code_form):
        assert form(form(text)) == form(text)
    assert normal_key(clean_text(text)) == normal_key(text)
    assert normal_key(code_form(text)) == normal_key(text)


def test_the_forms_of_every_character_with_another_spelling_stay() -> None:
    changed = []
    every = map(chr, (*range(0xD800), *range(0xE000, 0x110000)))
    for letter in (each for each in every if normalize("NFKD", each.upper()) != each or each.lower() != each):
        word = f"a{letter}b"
        stays = all(form(once) == once for form in (clean_text, normal_key, code_form) for once in (form(word),))
        if not stays or normal_key(code_form(word)) != normal_key(word):
            changed.append(letter)
    assert changed == []


@given(st.text())
def test_a_clean_text_has_no_invisible_characters_and_is_composed(text: str) -> None:
    clean = clean_text(text)
    assert unicodedata.is_normalized("NFC", clean)
    assert not any(unicodedata.category(letter) == "Cf" for letter in clean)
    assert (clean, "  " in clean) == (clean.strip(), False)


@given(st.text(alphabet=st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs"))))
def test_a_plain_text_is_kept_but_for_its_spaces(text: str) -> None:
    assert clean_text(text) == " ".join(text.split(" ")).strip() or "  " in text
    assert clean_text(text).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("(555) 123-4567", "5551234567"),
        ("+1 555.123.4567", "5551234567"),
        ("1-555-123-4567", "5551234567"),
        ("５５５ 123 4567", "5551234567"),
        ("+44 20 7946 0958", "442079460958"),
        ("555-0100", "5550100"),
        ("none", None),
    ],
)
def test_a_telephone_number_is_its_digits(written: str, digits: str | None) -> None:
    assert phone_key(written) == digits


@pytest.mark.parametrize("search", ["smith-jones", "smith jones", "jones", "o'neil", "oneil smith", "ann", "jones ann"])
def test_a_name_is_found_with_and_without_its_hyphens_and_apostrophes(search: str) -> None:
    assert any(fragment.startswith(search) for fragment in name_fragments("Ann", "O’Neil-Smith-Jones"))
    assert any(fragment.startswith("o'neil-smith") for fragment in name_fragments("Ann", "O’Neil-Smith-Jones"))


@pytest.mark.parametrize(
    ("rule", "given_text", "stored"),
    [
        (NAME, " Ann\u00a0 Lee\u200b", "Ann Lee"),
        (CODE, "zx101\ufeff", "ZX101"),
        (CODE, "１００１", "1001"),
        (NOTE, " two  spaces\n and lines ", " two  spaces\n and lines "),
        (Text(5), "12345 ", "12345"),
    ],
)
def test_a_text_of_one_line_is_stored_in_its_normal_form(rule: Text, given_text: str, stored: str) -> None:
    assert required_text({"it": given_text}, "it", rule) == stored


@pytest.mark.parametrize("blank", ["\u200b", "\u00a0\u3000", "\ufeff \u2060", "\u3164"])
def test_a_text_that_shows_nothing_is_blank(blank: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be left blank"):
        required_text({"it": blank}, "it", NAME)
