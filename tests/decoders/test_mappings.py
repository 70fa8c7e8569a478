"""Mappings of files to import: any JSON is a mapping, or an error at its place; and any mapping reads any file, or reports it."""

from typing import Any

from hypothesis import strategies as st

from domain.documents.uploads import CSV
from domain.errors import InvalidInput
from domain.imports import CellFormat, ImportKind
from imports.checking import check_file
from imports.files.child import read_in_process
from imports.kinds.known import KINDS
from imports.mapping.columns import COLUMNS
from imports.mapping.mappings import as_json, mapping_of
from imports.previews.previews import PreviewRequest, preview_file
from tests.decoders.fuzzing import fuzz, fuzzed

KIND = ImportKind.INVOICES
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=210), st.sampled_from(["Num", *CellFormat])
)
ANY_JSON = st.recursive(
    _LEAVES, lambda below: st.one_of(st.lists(below), st.dictionaries(st.text(max_size=9), below)), max_leaves=20
)
_SOURCE = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Num", "num ", "Amount", ""]) | _LEAVES,
        "position": st.integers(0, 6) | _LEAVES,
    },
)
_COLUMN = st.fixed_dictionaries(
    {"column": st.sampled_from([*COLUMNS[KIND], "nowhere"])},
    optional={
        "sources": st.lists(_SOURCE, max_size=3),
        "constant": st.sampled_from(["2026-01-02", "x"]) | _LEAVES,
        "format": st.sampled_from(sorted(CellFormat)) | _LEAVES,
        "values": st.lists(st.fixed_dictionaries({"source": _LEAVES, "value": _LEAVES}), max_size=2),
    },
)
MAPPINGS = st.fixed_dictionaries(
    {"columns": st.lists(_COLUMN, max_size=6)},
    optional={
        "header_row": st.integers(0, 5) | _LEAVES,
        "encoding": _LEAVES,
        "delimiter": _LEAVES,
        "sheet": _LEAVES,
        "ignores_other_columns": st.booleans() | _LEAVES,
        "skip_where_blank": st.lists(_SOURCE, max_size=2),
        "skip_totals_in": _SOURCE,
        "only_where": st.lists(st.fixed_dictionaries({"source": _SOURCE, "values": st.lists(st.text())}), max_size=2),
    },
)
FILE = 'Title\n\nNum,Amount,Num,Date\nTotal,,,\n1,"$1,275.00",2,3/4/2026\n'


def check(given: Any) -> None:
    """A mapping is read and written alike, or refused at a place."""
    try:
        mapping = mapping_of(KIND, given)
    except InvalidInput:
        return
    assert mapping_of(KIND, as_json(mapping)) == mapping
    checked = check_file(KINDS[KIND], FILE.encode(), CSV, read=read_in_process, mapping=mapping)
    assert checked.problems.lines or checked.rows is not None


@fuzzed
def test_any_json_is_a_mapping_or_refused_at_its_place(examples: int) -> None:
    fuzz(examples * 5, st.one_of(ANY_JSON, MAPPINGS), check)


@fuzzed
def test_any_text_is_previewed_or_refused(examples: int) -> None:
    cells = st.sampled_from(
        ["Num", "Date", "Amount", "Type", "Customer", "3/4/26", "(75.00)", "0001", "a", "", '"', "Total"]
    )
    files = st.lists(st.lists(cells, max_size=6).map(",".join), max_size=9).map("\n".join)

    def preview(text: str) -> None:
        try:
            made = preview_file(KINDS[KIND], text.encode(), CSV, PreviewRequest(), read=read_in_process)
        except InvalidInput:
            return
        assert made.mapping.columns

    fuzz(examples * 5, files, preview)
