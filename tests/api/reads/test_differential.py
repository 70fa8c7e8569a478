"""The compiled reads answer every role byte for byte like textbook resolvers, for random documents."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from domain.access.people import Role
from domain.normal_forms import normal_key
from schema.whole import sdl
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.bench.textbook.answering import FIELDS, Textbook
from tests.bench.textbook.fields import Args, Fields
from tests.bench.textbook.pages import Connection
from tests.bench.textbook.records.invoices import age_days
from tests.bench.textbook.records.records import Records
from tests.support.databases import TODAY, copied
from tests.support.oracle.audit_events import add_audit_events
from tests.support.oracle.differences import first_difference, normal, report, shrunk
from tests.support.oracle.edge_cases import add_edge_cases
from tests.support.oracle.odd_merges import add_merges
from tests.support.oracle.odd_remittances import add_remittances
from tests.support.oracle.oracle import AnswerSources, answer_sources
from tests.support.oracle.random_documents import Document, random_document, readable, with_other_variables

FEW, MANY = range(8), range(1_000, 3_000)
# Random documents ask for few of these, with few fields.
_ADJUSTED = "adjustments { group reasonCode amount quantity }"
WHOLE = (
    """{ actionItems(first: 500) { totalCount nodes { id kind dueOn subject assignee { id } reminder { id } invoice { id } cheque { id }
        encounter { id } remittance { id } document { id } recoupmentRequest { id } } } }""",
    """{ remittances(first: 500) { totalCount nodes { id origin importedAt importedBy { id } problems claimCount postedCount waitingCount
        payments { id place status reason payer { id name } payerIdentifier payerName trace method amount paidOn isAttached postedAt
            postedBy { id } cheque { id status } brokenLaws { law stated computed claimPlace linePlace }
            providerAdjustments { code amount reference } } claims(first: 500) { totalCount nodes { id } } } } }""",
    f"""{{ remittanceClaims(first: 500) {{ totalCount nodes {{ id place status reason isWaiting isPosted number remarkCodes {_ADJUSTED}
        closedBy {{ id }} closingReason lines {{ place code modifiers charge paid units serviceOn reference line {{ id amount }} {_ADJUSTED}
            remarkCodes }} coverage {{ id }} invoice {{ id payer {{ id }} }} payment {{ id }}
        proposals {{ kind amount reason invoice {{ id }} coverage {{ id remaining }} payer {{ id name }} }} }} }} }}""",
    """{ merges(first: 500) { totalCount nodes { id kind mergedId mergedName patient { id name } payer { id name } partOf { id kind }
        reason confirmedDifferentAttorneys mergedAt mergedBy { id } undoneAt undoneBy { id } } } }""",
)
LANGUAGE = {
    "fragments": r"fragment \w+ on",
    "fragments on an interface": r"on Node ",
    "inline fragments": r"\.\.\. on \w+",
    "inline fragments without a type": r"\.\.\. \{",
    "aliases": r"[axy][0-9]+: ",
    "aliases longer than a column's name": r"\w{64,}: ",
    "@include": r"@include\(if: (true|false)",
    "@skip with a variable": r"@skip\(if: \$",
    "variables": r"\$v[0-9]+: \w+",
    "variables with defaults": r"\$v[0-9]+: [\w!\[\]]+ = ",
    "variables in filters": r"filter: \{[^}]*\$",
    "type names": r"__typename",
    "null": r"null",
    "pages from the end": r"last: ",
    "pages from the middle": r"(after|before): (\"|\$)",
    "orders": r"orderBy: (\{|\$)",
    "filters": r"filter: (\{|\$)",
    "edges and nodes": r"(?s)edges.*nodes|nodes.*edges",
    "counts": r"totalCount",
    "several roots": r"(?s)invoices.*(invoice|node|payers|cases)\(",
}


@pytest.fixture(scope="module")
def odd_address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """The demo clinic with edge cases, beside a second clinic."""
    with copied(postgres_server, template_database) as copy:
        asyncio.run(_fill(copy))
        yield copy


@pytest.fixture(scope="module")
def merged_address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """The same with patients and payers that were merged."""
    with copied(postgres_server, template_database) as copy:
        asyncio.run(_fill(copy, add_merges))
        yield copy


async def _fill(address: DatabaseUrls, *more: Callable[[asyncpg.Connection], Awaitable[None]]) -> None:
    connection = await asyncpg.connect(address.owner)
    try:
        await add_edge_cases(connection, TODAY)
        await add_remittances(connection)
        await add_audit_events(connection)
        for add in more:
            await add(connection)
    finally:
        await connection.close()


def _shortest_first(both: AnswerSources, seeds: range) -> Iterable[int]:
    """Seeds, a hundred after the other, those of the shortest documents first: these take the fewest steps to shrink."""
    for start in seeds[::100]:
        yield from sorted(
            range(start, start + 100), key=lambda seed: len(random_document(seed, both.schema, both.facts).source)
        )


async def _compare(both: AnswerSources, seeds: Iterable[int]) -> str | None:
    """The report of the first difference, shrunk; None without a difference."""
    for seed in seeds:
        document = random_document(seed, both.schema, both.facts)
        is_different = await both.differ(document)
        if document.variables and not is_different:
            # A plan that was made for some values has to fit others.
            document = with_other_variables(document, seed, both.schema, both.facts)
            is_different = await both.differ(document)
        if is_different:
            small = await shrunk(document, both.schema, both.differ)
            ours, theirs = both.compiled(small), both.by_textbook(small)
            return f"seed {seed}\n{report(small, await both.outcome(ours), await both.outcome(theirs))}"
    return None


@pytest.mark.parametrize("role", Role)
async def test_some_random_documents_are_answered_like_by_textbook_resolvers(
    odd_address: DatabaseUrls, role: Role
) -> None:
    async with answer_sources(odd_address, role) as both:
        difference = await _compare(both, FEW)
    assert difference is None, difference


@pytest.mark.prove
@pytest.mark.parametrize("role", Role)
async def test_two_thousand_random_documents_select_everything_and_are_answered_like_by_textbook_resolvers(
    odd_address: DatabaseUrls, role: Role
) -> None:
    async with answer_sources(odd_address, role) as both:
        difference = await _compare(both, MANY)
        assert difference is None, difference
        assert readable(both.schema) - both.textbook.asked == set()


@pytest.mark.parametrize("role", Role)
async def test_some_random_documents_follow_merged_patients_and_payers_like_textbook_resolvers(
    merged_address: DatabaseUrls, role: Role
) -> None:
    async with answer_sources(merged_address, role) as both:
        difference = await _compare(both, FEW)
    assert difference is None, difference


@pytest.mark.prove
@pytest.mark.parametrize("role", Role)
async def test_a_thousand_random_documents_follow_merged_patients_and_payers_like_textbook_resolvers(
    merged_address: DatabaseUrls, role: Role
) -> None:
    async with answer_sources(merged_address, role) as both:
        difference = await _compare(both, range(3_000, 4_000))
    assert difference is None, difference


async def test_every_remittance_and_action_item_follows_merged_payers_like_textbook_resolvers(
    merged_address: DatabaseUrls,
) -> None:
    async with answer_sources(merged_address, Role.ADMIN) as both:
        for source in WHOLE:
            document = Document(source, {})
            ours = await both.compiled(document)
            difference = first_difference(ours, await both.by_textbook(document))
            assert difference is None, f"{source}: {difference}"
            assert next(iter(ours.values()))["totalCount"] > 3


@pytest.mark.parametrize("role", Role)
async def test_a_user_of_the_second_clinic_is_answered_like_by_textbook_resolvers(
    odd_address: DatabaseUrls, role: Role
) -> None:
    async with answer_sources(odd_address, role, "second") as both:
        difference = await _compare(both, FEW)
    assert difference is None, difference


@pytest.mark.prove
@pytest.mark.parametrize("role", Role)
async def test_five_hundred_random_documents_of_a_user_of_the_second_clinic_are_answered_like_by_textbook_resolvers(
    odd_address: DatabaseUrls, role: Role
) -> None:
    async with answer_sources(odd_address, role, "second") as both:
        difference = await _compare(both, range(4_000, 4_500))
    assert difference is None, difference


async def test_a_case_is_found_by_its_number_regardless_of_case(own_address: DatabaseUrls) -> None:
    connection = await asyncpg.connect(own_address.owner)
    try:
        number = "ÉTÉ-1"
        await connection.execute(
            "update cases set number = $1, number_key = $2 where number = (select min(number) from cases)",
            number,
            normal_key(number),
        )
    finally:
        await connection.close()
    async with answer_sources(own_address, Role.BILLING) as both:
        for text in ("ÉT", "ét"):
            document = Document(f'{{ cases(filter: {{search: "{text}"}}) {{ totalCount }} }}', {})
            assert await both.compiled(document) == await both.by_textbook(document) == {"cases": {"totalCount": 1}}


async def _late(records: Records, invoice: Any, args: Args) -> int:
    return age_days(records, invoice) + 1


async def _backwards(records: Records, invoice: Any, args: Args) -> list[Any]:
    lines: list[Any] = await FIELDS["Invoice.lines"](records, invoice, args)
    return lines[::-1]


async def _unnamed(records: Records, payer: Any, args: Args) -> str:
    return ""


async def _one_less(records: Records, source: Any, args: Args) -> Connection:
    page: Connection = await FIELDS["Query.invoices"](records, source, args)
    return replace(page, total_count=page.total_count - 1)


WRONG: Fields = {
    "Invoice.ageDays": _late,
    "Invoice.lines": _backwards,
    "Payer.name": _unnamed,
    "Query.invoices": _one_less,
}


# Shrinking a wrong list takes thirty seconds.
@pytest.mark.parametrize(
    "coordinate", [one if one == "Invoice.ageDays" else pytest.param(one, marks=pytest.mark.prove) for one in WRONG]
)
async def test_a_wrong_field_is_found_and_reported_with_a_small_document(
    odd_address: DatabaseUrls, coordinate: str
) -> None:
    async with answer_sources(odd_address, Role.BILLING) as both:
        both.textbook = Textbook(sdl(Role.BILLING), FIELDS | {coordinate: WRONG[coordinate]})
        difference = await _compare(both, _shortest_first(both, MANY))
    assert difference is not None
    document, report = difference.rsplit("variables:", 1)
    assert coordinate.rsplit(".", 1)[1] in document
    # Nothing that could be removed is left; what remains are the fields and fragments that lead to the wrong one.
    assert len(document.splitlines()) < 40, document
    assert "compiled against textbook, data." in report


async def test_another_order_of_keys_or_another_kind_of_value_is_a_difference() -> None:
    assert normal({"a": 1, "b": 2}) != normal({"b": 2, "a": 1})
    assert normal({"a": "1"}) != normal({"a": 1})
    assert normal({"a": None}) != normal({})
    assert normal({"a": 0.1}) != normal({"a": 0.10000000000000002})
    assert normal({"a": 1.0}) == normal({"a": 1})


@pytest.mark.parametrize("role", [Role.BILLING, Role.ATTORNEY])
async def test_random_documents_use_the_whole_language(odd_address: DatabaseUrls, role: Role) -> None:
    async with answer_sources(odd_address, role) as both:
        sources = [random_document(seed, both.schema, both.facts).source for seed in range(100)]
    for name, pattern in LANGUAGE.items():
        found = sum(bool(re.search(pattern, source)) for source in sources)
        assert found >= 3, f"{name}: {found} of {len(sources)} documents"
