"""Decides what creating and changing an account asks of an administrator."""

from typing import Annotated

import strawberry
from strawberry import Info, Private

from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import accounts
from resolvers.reading import follow
from resolvers.writing import Done
from schema.enums import Role
from schema.errors import UserError
from schema.keys import key
from schema.payloads import told
from schema.users import User


@strawberry.type(description="The answer to a change of an account.")
class UserPayload:
    done: Private[Done]

    @asked("administration", "The account as it is now; nothing when the change was refused.")
    async def user(self, info: Info) -> User | None:
        return await follow(info, "User", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("administration", "Why the change was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="Somebody who is to have an account.")
class CreateUserInput:
    email: str = given("administration", "The e-mail that signs in.")
    name: str = given("administration", "The person's name.")
    role: Role = given("administration", "What the account may do.")
    password: str | None = given(
        "administration", "The first password, 10 to 200 characters; without one, nobody signs in by password."
    )
    attorney_id: strawberry.ID | None = given("administration", "The attorney who uses the account.")
    physician_id: strawberry.ID | None = given("administration", "The physician who uses the account.")
    idempotency_key: str | None = key("administration")


@strawberry.input(description="What changes of an account: what is left out stays.")
class UpdateUserInput:
    user_id: strawberry.ID = given("administration", "The account that is meant.")
    email: str | None = given("administration", "The e-mail that signs in.")
    name: str | None = given("administration", "The person's name.")
    role: Role | None = given("administration", "What the account may do; whoever uses it is signed out by a change.")
    attorney_id: strawberry.ID | None = given("administration", "The attorney who uses the account.")
    physician_id: strawberry.ID | None = given("administration", "The physician who uses the account.")
    active: bool | None = given(
        "administration", "Whether the account can be used; false signs out whoever uses it, and ends its tokens."
    )
    password: str | None = given(
        "administration", "A new password, 10 to 200 characters; whoever uses the account is signed out."
    )
    idempotency_key: str | None = key("administration")


@strawberry.type
class UserSteps:
    """The mutations of accounts."""

    @done(ACTIONS["create_user"], "Give somebody an account.")
    async def create_user(
        self, info: Info, input: Annotated[CreateUserInput, takes("Whose account it is.", "administration")]
    ) -> UserPayload:
        return UserPayload(done=await accounts.create_user(info, input))

    @done(ACTIONS["update_user"], "Change an account, close it or open it again, or give it a new password.")
    async def update_user(
        self, info: Info, input: Annotated[UpdateUserInput, takes("The account, and what changes.", "administration")]
    ) -> UserPayload:
        return UserPayload(done=await accounts.update_user(info, input))
