"""Answers root fields that are computed and not read: the value, or the domain errors as data, as encoded JSON."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from graphql import GraphQLResolveInfo, get_named_type
from strawberry import Info

from domain.api_names import camel
from domain.errors import DomainError
from permissions.graphql_adapter import core_info
from resolvers.compiler.answers import Answerer, Readers
from resolvers.compiler.reading import selection_of
from resolvers.context import RequestContext

Compute = Callable[[RequestContext, Mapping[str, Any]], Awaitable[Any]]


async def read_computed(info: Info, answer: Callable[..., Awaitable[orjson.Fragment]]) -> orjson.Fragment:
    """What `answer` gives, called through Strawberry's wrapper."""
    raw = core_info(info)
    selector, asked = selection_of(raw)
    return await answer(raw, selector.arguments(asked))


async def answer_computed(
    info: GraphQLResolveInfo[RequestContext], name: str, compute: Compute, input_: Mapping[str, Any], readers: Readers
) -> orjson.Fragment:
    """The field `name` of the payload, which `compute` gives of the input, and no errors; or null and the errors."""
    value: dict[str, Any]
    try:
        value = {name: await compute(info.context, input_), "errors": []}
    except DomainError as refusal:
        info.context.audit.is_refused = True
        value = {name: None, "errors": [error_as_data(refusal)]}
    selector, asked = selection_of(info)
    answered = Answerer(selector, readers).answer(get_named_type(info.return_type), asked, value)
    return orjson.Fragment(orjson.dumps(answered))


def error_as_data(refusal: DomainError) -> dict[str, Any]:
    """A domain error as the fields of its type."""
    path = ["input", *map(camel, refusal.path)]
    return {"__typename": type(refusal).__name__, "message": refusal.message, "code": refusal.code.name, "path": path}
