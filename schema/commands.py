"""Publishes commands as mutations: the mutation, and the payload with the changed record and the errors."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

import strawberry
from graphql import GraphQLResolveInfo
from strawberry import Info, Private

from domain.api_names import snake
from permissions.actions import ACTIONS
from permissions.classes import argument, mutation, query_field
from permissions.graphql_adapter import core_info
from resolvers.commands.unit_of_work import Command, CommandFunction, CommandResult, answer_command, no_locks
from resolvers.compiler.reading import resolve_payload
from resolvers.context import RequestContext
from schema.errors import ChangeWarning, UserError, change_warnings, user_errors


def command(
    name: str,
    run: CommandFunction,
    description: str,
    input_type: Any,
    input_description: str,
    payload: Any,
    *,
    locked_first: Callable[[Mapping[str, Any]], frozenset[UUID]] = no_locks,
    ends_access: bool = False,
) -> Any:
    """The mutation of a command, which a role's schema resolves without Strawberry's wrapper; its rule is that of ACTIONS."""
    of, rule = Command(name, run, locked_first, ends_access), ACTIONS[name]

    async def resolve(self: Any, info: Info, input: Any) -> Any:
        return await answer_command(core_info(info), of, input, payload)

    async def lean(info: GraphQLResolveInfo[RequestContext], arguments: dict[str, Any]) -> Any:
        return await answer_command(info, of, arguments["input"], payload)

    resolve.__annotations__ |= {"input": Annotated[input_type, argument(input_description, rule)], "return": payload}
    resolve.__name__ = name
    return mutation(rule, description, metadata={"resolve": lean})(resolve)


def payload_of(
    record: type,
    rule: str,
    word: str,
    *,
    description: str = "",
    changed: str = "",
    rejected: str = "request",
    warns: bool = False,
) -> Any:
    """The payload of the mutations of a record: the record as field `<type>`, null if rejected, and `errors`.

    `word` is what the descriptions call the record; `changed` is the description of its field. Payloads of commands that warn have
    `warnings`, too.
    """
    type_name = record.__name__
    field = snake(type_name)

    async def resolve(self: Any, info: Info) -> Any:
        return await resolve_payload(info, type_name, self.result.record, self.result.known)

    def errors(self: Any) -> list[UserError]:
        return user_errors(self.result.errors)

    def warnings(self: Any) -> list[ChangeWarning]:
        return change_warnings(self.result.warnings)

    resolve.__name__ = field
    resolve.__annotations__["return"] = record | None
    changed = changed or f"The {word} after the change; null if the {rejected} was rejected."
    members = {
        "__annotations__": {"result": Private[CommandResult]},
        "__module__": record.__module__,
        field: query_field(rule, changed)(resolve),
        "errors": query_field(rule, f"Why the {rejected} was rejected; empty on success.")(errors),
    }
    if warns:
        members["warnings"] = query_field(rule, "Warnings about a change that was made.")(warnings)
    description = description or f"The result of creating or changing {an(word)}."
    return strawberry.type(description=description)(type(f"{type_name}Payload", (), members))


def an(word: str) -> str:
    """A word with its indefinite article."""
    return f"{'an' if word[0] in 'aeio' else 'a'} {word}"
