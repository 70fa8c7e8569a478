"""Decides how a step that changes records is published, and that a role's schema answers it without Strawberry's wrapping."""

from typing import Any

from graphql import GraphQLResolveInfo
from strawberry import Info

from permissions.actions import ACTIONS
from permissions.classes import done
from resolvers.context import RequestContext
from resolvers.writing import Step, answer


def step(of: Step, description: str, taken: Any, payload: type) -> Any:
    """The mutation of a step: `taken` is its input with its rule, `payload` the type of its answer."""

    async def resolve(self: Any, info: Info, input: Any) -> Any:
        return await answer(info._raw_info, of, input, payload)

    async def lean(info: GraphQLResolveInfo[RequestContext], arguments: dict[str, Any]) -> Any:
        return await answer(info, of, arguments["input"], payload)

    resolve.__annotations__ |= {"input": taken, "return": payload}
    resolve.__name__ = of.name
    return done(ACTIONS[of.name], description, metadata={"resolve": lean})(resolve)
