"""Commands of administrators on user accounts and API tokens; sessions that have ended are dropped from the cache."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from strawberry import Info

from identity.own_account import OwnAccount
from resolvers.commands.access import api_tokens, users
from resolvers.commands.unit_of_work import CommandResult, UnitOfWork, run_command


def account_of(info: Info) -> OwnAccount:
    """The server's operations on user accounts, for the resolvers."""
    account: OwnAccount | None = info.context.own_account
    assert account is not None
    return account


async def run_and_forget(
    info: Info, operation: str, input_: Any, work: Callable[[UnitOfWork], Awaitable[UUID]]
) -> CommandResult:
    """A mutation after which this process drops the record from its session cache; the database notifies the other processes."""
    done = await run_command(info, operation, input_, work)
    if done.record:
        account_of(info).forget(done.record)
    return done


async def create_user(info: Info, input_: Any) -> CommandResult:
    """Create an account."""
    return await run_command(
        info, "create_user", input_, lambda work: users.create(work, account_of(info).hash_password)
    )


async def update_user(info: Info, input_: Any) -> CommandResult:
    """Change an account."""
    hash_password = account_of(info).hash_password
    return await run_and_forget(info, "update_user", input_, lambda work: users.update(work, hash_password))


async def create_api_token(info: Info, input_: Any) -> tuple[CommandResult, str | None]:
    """Create an API token. A retry with the same idempotency key returns the token's record without the token, which is not stored."""
    made: list[str] = []

    async def make(work: UnitOfWork) -> UUID:
        identity, token = await api_tokens.create(work, account_of(info).longest_token)
        made.append(token)
        return identity

    done = await run_command(info, "create_api_token", input_, make)
    return done, made[0] if made and done.record else None


async def revoke_api_token(info: Info, input_: Any) -> CommandResult:
    """Revoke an API token, which is rejected from now on."""
    return await run_and_forget(info, "revoke_api_token", input_, api_tokens.revoke)
