"""The contents of documents foot, their canonical JSON is stable, and texts name only listed variables."""

from dataclasses import replace

import pytest

from domain.documents.checks import missing_in
from domain.documents.contents import CONTENTS, amount_of, canonical_json, kind_of
from domain.documents.kinds import DocumentKind
from domain.documents.parts import DoesNotFootError
from domain.documents.texts import DEFAULTS, VARIABLES, check_texts
from domain.errors import InvalidInput
from tests.documents import examples


def test_each_kind_has_contents_texts_and_an_example() -> None:
    kinds = set(DocumentKind)
    assert kinds == set(CONTENTS) == set(DEFAULTS) == set(VARIABLES) == set(examples.EXAMPLES)
    assert all(kind_of(contents) is kind for kind, contents in examples.EXAMPLES.items())


@pytest.mark.parametrize("kind", DocumentKind)
def test_totals_that_do_not_foot_are_refused(kind: DocumentKind) -> None:
    contents = examples.EXAMPLES[kind]
    name = next(one for one in ("charged", "amount", "total", "billed") if hasattr(contents, one))
    with pytest.raises(DoesNotFootError, match="do not foot"):
        replace(contents, **{name: getattr(contents, name) + examples.money(1)})


@pytest.mark.parametrize("kind", DocumentKind)
def test_a_default_text_is_valid_and_a_full_example_lacks_nothing(kind: DocumentKind) -> None:
    texts = DEFAULTS[kind]
    check_texts(kind, {"title": texts.title, "opening": texts.opening, "closing": texts.closing})
    assert missing_in(kind, examples.EXAMPLES[kind]) == []


@pytest.mark.parametrize("text", ["{{ secret }}", "{{ patient", "{% if x %}", "{{ patient.name }}", "x" * 10_001])
def test_a_text_with_anything_but_listed_variables_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_texts(DocumentKind.INVOICE, {"closing": text})
    assert refused.value.path == ("closing",)


@pytest.mark.parametrize("text", ["{{ secret }}", "{{ patient.name }}", "{{ statedAmount }}", "{{}}"])
def test_the_refusal_of_an_unknown_variable_lists_the_known_ones(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"is not a variable; known variables are clinic, recipient, number"):
        check_texts(DocumentKind.INVOICE, {"closing": text})


def test_what_is_missing_names_where_it_is_entered() -> None:
    missing = missing_in(DocumentKind.INVOICE, examples.invoice(letterhead=examples.BARE))
    assert {one.name for one in missing} == {"physicalAddress", "phone", "remitAddress", "tin", "npi"}
    assert {one.mutation for one in missing} == {"updateClinic"}


def test_equal_contents_have_equal_canonical_json() -> None:
    assert canonical_json(examples.invoice()) == canonical_json(examples.invoice())
    assert canonical_json(examples.invoice()) != canonical_json(examples.invoice(7))
    assert b'"good_through":"2026-12-28"' in canonical_json(examples.PAYOFF)
    assert b'"payable":"2726.04"' in canonical_json(examples.PAYOFF)
    assert amount_of(examples.PAYOFF) == examples.money(272_604)
