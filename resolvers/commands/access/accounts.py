"""Commands of administrators on user accounts and API tokens; sessions that have ended are dropped from the cache."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from strawberry import Info

from domain.access.one_time_links import LinkKind, one_time_url
from identity.login_commands import LoginCommands
from resolvers.commands.access import api_tokens, users
from resolvers.commands.unit_of_work import CommandResult, UnitOfWork, run_command


def logins_of(info: Info) -> LoginCommands:
    """The server's commands on logins and accounts, for the resolvers."""
    logins: LoginCommands | None = info.context.logins
    assert logins is not None
    return logins


async def run_and_forget(
    info: Info, operation: str, input_: Any, work: Callable[[UnitOfWork], Awaitable[UUID]]
) -> CommandResult:
    """A mutation after which this process drops the record from its session cache; the database notifies the other processes."""
    done = await run_command(info, operation, input_, work)
    if done.record:
        logins_of(info).forget(done.record)
    return done


async def create_user(info: Info, input_: Any) -> tuple[CommandResult, str | None]:
    """Create an account and invite to it: the result, and the link where no mail is sent."""
    return await _inviting(info, "create_user", input_, users.create)


async def invite_user_again(info: Info, input_: Any) -> tuple[CommandResult, str | None]:
    """Invite to an account again: the result, and the link where no mail is sent."""
    return await _inviting(info, "invite_user_again", input_, users.invite_again)


async def _inviting(
    info: Info, operation: str, input_: Any, invite: Callable[..., Awaitable[tuple[UUID, UUID]]]
) -> tuple[CommandResult, str | None]:
    """A retry with the same idempotency key returns no link, because no token is stored."""
    made: list[tuple[UUID, UUID]] = []
    logins = logins_of(info)

    async def run(work: UnitOfWork) -> UUID:
        user_id, invitation_id = await invite(work, is_mailed=logins.sends_mail)
        made.append((work.clinic_id, invitation_id))
        return user_id

    done = await run_command(info, operation, input_, run)
    if logins.sends_mail or not made or not done.record:
        return done, None
    return done, one_time_url(info.context.find_base_url(), LinkKind.INVITATION, logins.link_key, *made[0])


async def update_user(info: Info, input_: Any) -> CommandResult:
    """Change an account."""
    return await run_and_forget(info, "update_user", input_, users.update)


async def create_api_token(info: Info, input_: Any) -> tuple[CommandResult, str | None]:
    """Create an API token. A retry with the same idempotency key returns the token's record without the token, which is not stored."""
    made: list[str] = []

    async def make(work: UnitOfWork) -> UUID:
        identity, token = await api_tokens.create(work, logins_of(info).longest_api_token)
        made.append(token)
        return identity

    done = await run_command(info, "create_api_token", input_, make)
    return done, made[0] if made and done.record else None


async def revoke_api_token(info: Info, input_: Any) -> CommandResult:
    """Revoke an API token, which is rejected from now on."""
    return await run_and_forget(info, "revoke_api_token", input_, api_tokens.revoke)
