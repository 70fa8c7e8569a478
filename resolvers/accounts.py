"""Decides how administrators change accounts and tokens through the API, and that what has ended is believed no longer."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from strawberry import Info

from resolvers import api_tokens, users
from resolvers.context import OwnAccount
from resolvers.writing import Done, Work, run


def account_of(info: Info) -> OwnAccount:
    """What the server does with accounts."""
    account: OwnAccount | None = info.context.own_account
    assert account is not None
    return account


async def run_and_forget(info: Info, operation: str, said: Any, work: Callable[[Work], Awaitable[UUID]]) -> Done:
    """A mutation after which this process believes nothing of the record any more; the database tells the others."""
    done = await run(info, operation, said, work)
    if done.record:
        account_of(info).forget(done.record)
    return done


async def create_user(info: Info, said: Any) -> Done:
    """A new account."""
    return await run(info, "create_user", said, lambda work: users.create(work, account_of(info).hash_password))


async def update_user(info: Info, said: Any) -> Done:
    """A changed account."""
    hash_password = account_of(info).hash_password
    return await run_and_forget(info, "update_user", said, lambda work: users.update(work, hash_password))


async def create_api_token(info: Info, said: Any) -> tuple[Done, str | None]:
    """A new token for a program. Whoever sends the same key again learns of the token, and not the token: it is kept nowhere."""
    made: list[str] = []

    async def make(work: Work) -> UUID:
        identity, token = await api_tokens.create(work, account_of(info).longest_token)
        made.append(token)
        return identity

    done = await run(info, "create_api_token", said, make)
    return done, made[0] if made and done.record else None


async def revoke_api_token(info: Info, said: Any) -> Done:
    """A token that is refused from now on."""
    return await run_and_forget(info, "revoke_api_token", said, api_tokens.revoke)
