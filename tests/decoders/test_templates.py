"""Reminder templates: any text is refused with its line, or can be rendered for any names and amounts."""

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.reminders.reminders import NUMBER_VARIABLES, TEXT_VARIABLES
from exports.templates import Listed, Section, check_template, fill_in
from tests.decoders.fuzzing import TEXTS, answered, fuzz, fuzzed, mutants
from tests.support.api.records import Found
from tests.support.client import Client

TODAY = date(2026, 7, 1)
GOOD = [
    "Dear {{ recipient }},\n\n{{ invoices_with_balances }}\n\nin all {{ total_balance }}.\n{{ clinic }}",
    "{% if invoice_count > 1 %}{{ invoice_count }} invoices{% else %}One invoice{% endif %} of {{ today }}",
    "{% if oldest_days >= 90 %}{% if invoice_count == 2 %}{{ invoices }}{% endif %}{% endif %}",
    "{#- a comment -#} {{- clinic -}} {% raw %}{{ x }}{% endraw %}",
]
PIECES = [
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "(",
        ")",
        "[",
        "]",
        "~",
        "|",
        ".",
        "'",
        '"',
        "\\",
        "\n",
        "-",
        "+",
        "not ",
        " if ",
        " else ",
    ),
    *(
        " endif ",
        " for ",
        " in ",
        " is defined ",
        "1",
        "9" * 5_000,
        "1e999",
        "0x",
        "1_0",
        "None",
        "self",
        "__class__",
        "loop",
        "cycler()",
    ),
    *TEXT_VARIABLES,
    *NUMBER_VARIABLES,
]
DEEP = [
    "{{" + opened * 3_000 + "clinic" + closed * 3_000 + "}}"
    for opened, closed in (
        ("(", ")"),
        ("[", "]"),
        ("not ", ""),
        ("-", ""),
        ("{1:", "}"),
        ("", "|upper"),
        ("", ".a"),
        ("", "[0]"),
        ("", "~clinic"),
    )
] + [
    "{% if 1 %}" * 900,
    "{% if invoice_count > 1 %}" * 30 + "x" + "{% endif %}" * 30,
    "{{" * 5_000,
    "{" * 10_000,
    "{% raw %}" * 1_000,
]
_SENTENCE = re.compile(r"Line \d+: \S")


def check(text: str) -> None:
    """A template that is accepted is rendered, within its time, and shows no more than its variables hold."""
    refused = _refusal(text)
    if refused:
        assert _SENTENCE.match(refused.message), refused.message
        assert len(refused.message) < 1_000
        assert refused.path == ("body",)
        return
    listed = [Listed("CASE-1", "INV-2026-000001", Decimal("1234.50"), days) for days in (10, 95)]
    words = fill_in([Section("Open", text, "{{ clinic }} {% if %}", listed)], "A {{ clinic }}", TODAY)
    assert len(words.body) < 20 * len(text) + 20_000


def _refusal(text: str) -> InvalidInput | None:
    try:
        check_template({"body": text})
    except InvalidInput as refused:
        return refused
    return None


@fuzzed
def test_any_text_is_refused_at_a_line_or_rendered(examples: int) -> None:
    pieces = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
    shapes = st.one_of(mutants(GOOD, "{}%|( "), pieces, st.sampled_from(DEEP), TEXTS)
    fuzz(examples * 5, shapes, check)


@pytest.mark.parametrize("text", DEEP, ids=lambda text: text[:14])
def test_a_deep_template_is_refused_or_rendered(text: str) -> None:
    fuzz(1, st.just(text), check)


@fuzzed
def test_any_template_is_answered_by_the_api(admin: Client, found: Found, examples: int) -> None:
    query = """query ($id: ID!, $subject: String!, $body: String!) {
        previewReminderTemplate(invoiceId: $id, subject: $subject, body: $body) { message { body } errors { code path message } } }"""

    def preview(given: tuple[str, str]) -> None:
        subject, body = given
        answer = answered(admin.post(query, id=found.own["Invoice"], subject=subject, body=body), 200, 400)
        assert "errors" not in answer or "data" not in answer or answer["data"] is None, answer

    texts = st.one_of(mutants(GOOD, "{}%|( "), st.sampled_from(DEEP), TEXTS)
    fuzz(examples, st.tuples(texts, texts), preview)
