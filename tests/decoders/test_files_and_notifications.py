"""What commands and listeners read: import files, Synthea's files, heads of the audit log, settings, and notifications."""

import asyncio
import csv
import io
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from hypothesis import strategies as st

from db.notifications import Notifications, invoice_changed
from db.sealed_hints import Hints
from domain.documents.uploads import CSV, XLSX
from domain.imports import ImportKind
from imports.checking import check_file
from imports.files.child import read_in_process
from imports.kinds.known import KINDS
from imports.synthea.csv_rows import BrokenRowError, read_rows
from server.audit import AuditError, noted
from server.settings import SETTINGS, SettingError, read_settings
from tests.decoders.fuzzing import JSON_VALUES, TEXTS, fuzz, fuzzed, mutants

TEMPLATES = Path(__file__).parents[2] / "imports" / "templates"
MOST_PROBLEMS = 1_000
CELLS = st.one_of(
    TEXTS,
    st.dates().map(str),
    st.decimals(allow_nan=True).map(str),
    st.sampled_from(["1e500000", "=1+1", "'=1", "1,234.50", "2026-02-30", "NaN", "9" * 400, "\u0661\u0662", "doubled"]),
)


def template_of(kind: ImportKind, ending: str) -> bytes:
    return (TEMPLATES / f"{kind.value.replace('_', '-')}.{ending}").read_bytes()


def check_read(kind: ImportKind, data: bytes, content_type: str) -> None:
    """A file is read completely; every error is a reported row."""
    checked = check_file(KINDS[kind], data, content_type, read=read_in_process)
    problems = checked.problems
    assert len(problems.told if hasattr(problems, "told") else []) <= MOST_PROBLEMS


@st.composite
def csv_files(draw: st.DrawFn) -> tuple[ImportKind, bytes]:
    """A CSV file of a kind: its template with odd cells, rows and delimiters, or with changed bytes."""
    kind = draw(st.sampled_from(list(ImportKind)))
    text = template_of(kind, "csv").decode("utf-8-sig")
    if draw(st.booleans()):
        header = next(csv.reader(text.splitlines()))
        made = io.StringIO()
        writer = csv.writer(made, delimiter=draw(st.sampled_from(",;\t")))
        writer.writerow(draw(st.permutations(header)))
        for _ in range(draw(st.integers(1, 4))):
            writer.writerow(draw(st.lists(CELLS, min_size=len(header) - 1, max_size=len(header) + 1)))
        text = made.getvalue()
    else:
        text = draw(mutants([text], ',\n"'))
    data = text.encode("utf-8", "surrogatepass")
    return kind, draw(
        st.sampled_from([data, data.decode("utf-8", "replace").encode("utf-16"), b"\xef\xbb\xbf" + data, data[:-1]])
    )


@fuzzed
def test_any_csv_file_is_read_or_its_errors_are_reported(examples: int) -> None:
    fuzz(examples * 4, csv_files(), lambda given: check_read(given[0], given[1], CSV))


@fuzzed
def test_any_bytes_as_a_workbook_are_reported(examples: int) -> None:
    kinds = list(ImportKind)
    originals = {kind: template_of(kind, "xlsx").decode("latin-1") for kind in kinds}
    changed = st.sampled_from(kinds).flatmap(lambda kind: st.tuples(st.just(kind), mutants([originals[kind]], "PK<")))
    fuzz(examples, changed, lambda given: check_read(given[0], given[1].encode("latin-1", "replace"), XLSX))


@fuzzed
def test_any_file_of_synthea_is_read_or_refused_at_its_line(tmp_path: Path, examples: int) -> None:
    file = tmp_path / "claims.csv"
    columns = ("Id", "COST", "UNITS", "START")
    good = 'Id,COST,UNITS,START\nabc,12.50,3,2026-01-31T16:05:00Z\n"x,y",0.00,1,2026-02-01T00:00:00-05:00\n'

    def check(text: str) -> None:
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            for row in read_rows(file, columns):
                for read in (row.text, row.maybe, row.money, row.whole, row.calendar_day):
                    attempt(lambda read=read: [read(column) for column in columns])  # type: ignore[misc]
                attempt(lambda row=row: row.day_of_moment("START", "America/New_York"))  # type: ignore[misc]
        except BrokenRowError:
            pass

    rows = st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=3).map(written)
    fuzz(examples * 4, st.one_of(mutants([good], ',\n"'), rows, TEXTS), check)


def written(rows: list[list[str]]) -> str:
    made = io.StringIO()
    csv.writer(made).writerows([["Id", "COST", "UNITS", "START"], *rows])
    return made.getvalue()


def attempt(read: Callable[[], object]) -> None:
    """Read a value; a bad one is a broken row."""
    with suppress(BrokenRowError):
        read()


@fuzzed
def test_any_head_of_the_audit_log_is_read_or_refused(examples: int) -> None:
    good = [f"{number}:{'ab' * 32}" for number in (1, 99_999)]

    def check(text: str) -> None:
        try:
            number, link = noted(text) or (0, b"")
        except AuditError:
            return
        assert 0 <= number < 2**63
        assert len(link) == 32

    fuzz(examples * 10, st.one_of(mutants(good, ":"), TEXTS.map(lambda text: f"{text}:{'ab' * 32}"), TEXTS), check)


@fuzzed
def test_any_value_of_a_setting_is_taken_or_refused_by_its_name(examples: int) -> None:
    variables = [setting.variable for setting in SETTINGS.values()]
    values = st.one_of(
        TEXTS,
        mutants(
            ["https://a.example:443/x", "postgresql://u:p@h:5432/d", "10.0.0.0/8,::1", "s3://b/p", "RS256,ES256", "587"]
        ),
    )

    def check(given: tuple[str, str]) -> None:
        variable, value = given
        error = ""
        try:
            read_settings({variable: value})
        except SettingError as refused:
            error = str(refused)
        assert error.isprintable()
        assert variable in error or not error or error.partition(" ")[0] in variables

    fuzz(examples * 10, st.tuples(st.sampled_from(variables), values), check)


class _Sessions:
    """Sessions in memory that a notification could end."""

    def __init__(self) -> None:
        self.forgotten: list[UUID | None] = []

    def forget(self, identity: UUID | None) -> None:
        """Note what is forgotten."""
        self.forgotten.append(identity)

    async def recheck(self) -> None:
        """Compare nothing."""


NOTICES = st.one_of(
    JSON_VALUES,
    st.dictionaries(
        st.sampled_from(["clinic", "invoice", "columns", "export", "session", "user"]),
        JSON_VALUES | st.just(str(UUID(int=1))),
    ),
)


@fuzzed
def test_any_notification_is_passed_on_or_ignored(examples: int, caplog: pytest.LogCaptureFixture) -> None:
    """Any login of the database can notify any channel; it has not the key with which payloads are sealed."""
    caplog.set_level(logging.ERROR)
    hints, sessions, wrote = Hints(b"the key of the servers"), _Sessions(), list[UUID | None]()
    notifications = Notifications("", hints, sessions, wrote.append)
    channels = [*notifications._sealed, *notifications._looks]

    async def subscribed(channel: str, payload: str) -> None:
        async with notifications._subscribed(UUID(int=1), frozenset({"status"})):
            notifications._pass_on(None, 0, channel, payload)

    def check(given: tuple[str, str]) -> None:
        notifications._is_listening.set()
        asyncio.run(subscribed(*given))
        assert (sessions.forgotten, wrote) == ([], [])

    good = invoice_changed(Hints(b"another key"), UUID(int=1), UUID(int=1), ["status"])
    payloads = st.one_of(NOTICES.map(encoded), mutants([good], "+/="), TEXTS)
    fuzz(examples * 5, st.tuples(st.sampled_from(channels), payloads), check)


def encoded(value: object) -> str:
    """A value as JSON, if orjson can write it; otherwise as Python would."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return repr(value)
