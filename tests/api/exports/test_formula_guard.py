"""The guard against formulas: the same in Python and in SQL, reversible for every text, and nothing that it leaves is a formula."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Text, bindparam
from sqlalchemy.dialects import postgresql

from domain.formulas import guard, unguard
from exports.csv_files import guarded
from server.database_urls import DatabaseUrls
from tests.support.databases import rows

SIGNS = "=+-@|"
# Every character that somebody could take for white space, for nothing, or for a control, and every form of a sign.
_ASSIGNED = [one for one in map(chr, range(1, 0x110000)) if unicodedata.category(one) not in ("Cn", "Co", "Cs")]
INVISIBLE = [
    one
    for one in _ASSIGNED
    if unicodedata.category(one) in ("Cc", "Cf", "Zs", "Zl", "Zp")
    or one.isspace()
    # Fillers and selectors that are shown as nothing.
    or unicodedata.name(one, "").startswith(("VARIATION SELECTOR", "HANGUL JUNGSEONG FILLER", "HANGUL FILLER"))
]
FORMS = [
    one
    for one in _ASSIGNED
    if one > "\x7f"
    and unicodedata.decomposition(one).startswith(("<wide>", "<small>"))
    and unicodedata.normalize("NFKC", one) in [*SIGNS]
]
# Texts of which most come near to a formula.
_TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["'", "''", *SIGNS, "\t", "\r", "\n", "\r\n", " ", "\xa0", "\u3000", "\u200b", "\ufeff", "1", "a", '"', ","]
        ),
        st.sampled_from(FORMS),
        st.sampled_from(INVISIBLE),
        st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=4),
    ),
    max_size=8,
).map("".join)


def is_formula(text: str) -> bool:
    """Whether some spreadsheet could take a cell for a formula: by its first sign that is not dropped."""
    rest = text.lstrip("".join(INVISIBLE))
    return text[:1] in ("\t", "\r", "\n") or unicodedata.normalize("NFKC", rest[:1]) in [*SIGNS]


def test_every_sign_is_guarded_behind_every_invisible_character() -> None:
    assert len(INVISIBLE) > 200
    assert {"\uff1d", "\uff0b", "\uff0d", "\uff20", "\uff5c", "\ufe66"} <= set(FORMS)
    for before in ("", *INVISIBLE):
        for sign in (*SIGNS, *FORMS):
            assert guard(f"{before}{sign}1") == f"'{before}{sign}1", (hex(ord(before or "\0")), sign)
            assert guard(f"'{before}{sign}1") == f"''{before}{sign}1"


@settings(max_examples=400)
@given(_TEXTS)
def test_a_guarded_text_is_no_formula_and_comes_back_as_it_was(text: str) -> None:
    assert not is_formula(guard(text))
    assert unguard(guard(text)) == text
    assert guard(text) in (text, f"'{text}")


@settings(max_examples=400)
@given(_TEXTS, _TEXTS)
def test_different_texts_are_guarded_differently(one: str, other: str) -> None:
    assert (guard(one) == guard(other)) is (one == other)


def test_ordinary_texts_stay_as_they_are() -> None:
    for text in ("", "O'Brien", "'t Hooft", "'", "''", " spaced ", "1-2", "A=1", "Zoë", "名", "0042", "a@b.c"):
        assert guard(text) == text == unguard(text), text


def test_the_database_guards_as_the_code_does(address: DatabaseUrls) -> None:
    texts: list[str] = [f"{before}{sign}1" for before in ("", *INVISIBLE) for sign in ("=", "'=", "x", "'")]

    @settings(max_examples=300, database=None)
    @given(_TEXTS)
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    value = guarded(bindparam("text", type_=Text()))
    sql = str(value.compile(dialect=postgresql.dialect(), compile_kwargs={"render_postcompile": True}))  # type: ignore[no-untyped-call]
    sql = sql.replace("%(text)s", "t").replace("%%", "%").replace("::VARCHAR", "").replace("::TEXT", "")
    found = rows(address, f"select t, {sql} as guarded from unnest($1::text[]) t", texts)
    assert [row["guarded"] for row in found] == [guard(text) for text in texts]
    assert len(found) > 1_000
