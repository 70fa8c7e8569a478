"""Merges over HTTP, and everything that the lists of the API answer, before and after."""

from collections.abc import Iterator
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLNonNull, GraphQLObjectType, Undefined, get_named_type

from db.global_ids import read_id
from domain.access.people import Role
from schema.whole import role_schemas
from tests.support.api.mutations import answered, done
from tests.support.api.selections import in_parts
from tests.support.client import Client

MERGE = "merge { id kind mergedId mergedName patient { id } payer { id } partOf { id } mergedAt undoneAt undoneBy { name } }"
PREVIEW = """query ($input: MergePreviewInput!) { mergePreview(input: $input) { preview { differences { field merged surviving }
    counts { records merged surviving } collisions { kind value records } attorneys differentAttorneys
    payers { merged surviving } repeatedInvoices refusals { message code path } } errors { message code path } } }"""
# What changes with each request, what a merge adds to, and what it joins: a test of its own reads the action items.
_OTHERS = frozenset({"actionItems", "agingByPayerPage", "auditTrail", "merges", "users"})
# What forms offer are ids of payers, of which a merged one is no longer one.
_FORMS = frozenset(f"{name}.availableActions" for name in ("Invoice", "Case", "Cheque"))
_FIELDS = 60
PARTIES = ("Patient", "Payer")


def merge(client: Client, merged: str, surviving: str, **values: Any) -> Any:
    """The merge of two patients or payers; fails when it is refused."""
    kind = (read_id(merged) or ("",))[0]
    return done(client, f"merge{kind}s", MERGE, mergedId=merged, survivingId=surviving, **values)


def part(client: Client, identity: str) -> Any:
    """The merge, undone; fails when that is refused."""
    return done(client, "undoMerge", MERGE, mergeId=identity)


def refusal(client: Client, name: str, **values: Any) -> str:
    """The message of the one error of a merge or an undoing."""
    answer = answered(client, name, MERGE, **values)
    assert answer["merge"] is None, answer
    [error] = answer["errors"]
    return str(error["message"])


def preview(client: Client, merged: str, surviving: str) -> Any:
    """What a merge would do."""
    kind = (read_id(merged) or ("",))[0].upper()
    values = {"kind": kind, "mergedId": merged, "survivingId": surviving}
    answer = client.read(PREVIEW, input=values)["mergePreview"]
    assert answer["errors"] == [], answer
    return answer["preview"]


def lists(role: Role) -> Iterator[tuple[str, str]]:
    """Each list at the root of a role's schema that needs no argument, with documents that together select all of it, two levels deep."""
    query = role_schemas()[role].query_type
    assert query is not None
    for name, field in query.fields.items():
        needed = [one for one in field.args.values() if _is_needed(one)]
        page = get_named_type(field.type)
        if needed or name in _OTHERS or not isinstance(page, GraphQLObjectType) or "nodes" not in page.fields:
            continue
        node = get_named_type(page.fields["nodes"].type)
        assert isinstance(node, GraphQLObjectType)
        for selection in in_parts(node, 2, _FIELDS, without=_FORMS):
            yield name, f"{{ {name}(first: 500) {{ totalCount nodes {selection} }} }}"


def _is_needed(argument: Any) -> bool:
    is_input = isinstance(get_named_type(argument.type), GraphQLInputObjectType)
    return isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined and not is_input


def answers(client: Client, role: Role) -> list[tuple[str, Any]]:
    """What all of these lists answer."""
    return [(name, client.read(document)[name]) for name, document in lists(role)]


def as_ids(answer: Any, same: dict[str, str]) -> Any:
    """An answer in which each patient and payer is its id alone, and a merged one that of the one that stays; each once in a list."""
    if isinstance(answer, dict):
        named = read_id(answer["id"]) if isinstance(answer.get("id"), str) else None
        if named and named[0] in PARTIES and answer["__typename"] in PARTIES:
            return same.get(answer["id"], answer["id"])
        return {key: as_ids(value, same) for key, value in answer.items()}
    if isinstance(answer, list):
        items = [as_ids(item, same) for item in answer]
        return list(dict.fromkeys(items)) if items and all(isinstance(item, str) for item in items) else items
    return answer


def parties_in(answer: Any) -> Iterator[dict[str, Any]]:
    """Every patient and payer anywhere in an answer."""
    if isinstance(answer, dict):
        if answer.get("__typename") in PARTIES:
            yield answer
        for value in answer.values():
            yield from parties_in(value)
    elif isinstance(answer, list):
        for item in answer:
            yield from parties_in(item)
