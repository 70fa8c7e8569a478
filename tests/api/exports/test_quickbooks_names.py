"""Every payer gets a name that QuickBooks takes, another one than each other payer, and the same one in every export."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from exports.quickbooks.names import LONGEST, one_line, renamed_customers

_NAMES = st.one_of(
    st.sampled_from(
        [
            "Smith",
            "SMITH",
            " smith",
            "Smith:",
            'Smi"th',
            "Straße",
            "STRASSE",
            "名",
            "字",
            "\u200b",
            "s" * 101,
            "S" * 120,
        ]
    ),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=110),
)


def customers(names: list[str]) -> list[str]:
    """The names of the payers as customers, oldest first."""
    payers = [(UUID(int=number), name) for number, name in enumerate(names)]
    renamed = renamed_customers(payers)
    for identity, customer in renamed.items():
        assert customer.payer == names[identity.int] != customer.name
        assert customer.reasons, customer
    return [renamed[identity].name if identity in renamed else name for identity, name in payers]


@given(st.lists(_NAMES, max_size=12))
def test_quickbooks_takes_every_name(names: list[str]) -> None:
    found = customers(names)
    for name in found:
        assert 0 < len(name) <= LONGEST
        assert name == " ".join(name.split())
        assert name.isprintable()
        assert name.encode("latin-1")
        assert not {":", '"'} & {*name}
    assert len({name.casefold() for name in found}) == len(names)


@given(st.lists(_NAMES, max_size=8), st.lists(_NAMES, max_size=4))
def test_younger_payers_change_no_name(names: list[str], younger: list[str]) -> None:
    assert customers(names + younger)[: len(names)] == customers(names)


def test_an_acceptable_name_stays() -> None:
    names = ["O'Brien & Sons, P.A.", "=1+1", "'=1", "Müller Ñandú", "s" * LONGEST]
    assert customers(names) == names


def test_a_text_is_one_line_of_visible_characters() -> None:
    assert one_line("a\r\n b\u200b\tc\u00a0d\x07") == "a b c d"
