"""Decides what an account is: which texts it keeps, which password is good enough, and who is somebody in particular."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from domain.errors import InvalidInput
from domain.people import Role
from domain.texts import EMAIL, NAME, Text, checked

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
TOKEN_NAME = Text(100, needed=True)
# Who of the clinic's world somebody with one of these roles is: the column that says so, and its table.
PERSONS = {Role.ATTORNEY: ("attorney_id", "attorneys"), Role.PHYSICIAN: ("physician_id", "physicians")}
_TEXTS = {"email": replace(EMAIL, needed=True), "name": NAME}
_CHOSEN = ("role", "active")
_KEPT = ("email", "name", *_CHOSEN, *(column for column, _ in PERSONS.values()))


def check_password(password: str | None, email: str, path: str = "password") -> str:
    """A password that is good enough for an account; InvalidInput says what is wrong with another, and never repeats it."""
    if password is None or len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(f"A password has at least {SHORTEST_PASSWORD} characters", (path,))
    if len(password) > LONGEST_PASSWORD:
        raise InvalidInput(f"A password has at most {LONGEST_PASSWORD} characters", (path,))
    if len(set(password)) == 1 or password.casefold() in {email.casefold(), email.casefold().partition("@")[0]}:
        raise InvalidInput("This password is too easy to guess", (path,))
    return password


def columns(given: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What is kept of an account: what the input says, and what follows from it for one that was there `before`."""
    said: dict[str, Any] = checked(given, _TEXTS)
    if "email" in said:
        said["email"] = said["email"].lower()
    for name in _CHOSEN:
        if name in given:
            said[name] = _chosen(given, name)
    merged = {**(before or {}), **said}
    return said | _persons(given, Role(merged["role"]), before or {})


def _chosen(given: Mapping[str, Any], name: str) -> Any:
    if given[name] is None:
        raise InvalidInput("This cannot be left blank", (name,))
    return Role(given[name]).value if name == "role" else given[name]


def _persons(given: Mapping[str, Any], role: Role, before: Mapping[str, Any]) -> dict[str, UUID | None]:
    """Whoever the account is from now on: an attorney or a physician always is one, everybody else is nobody in particular."""
    found: dict[str, UUID | None] = {}
    for owner, (column, _) in PERSONS.items():
        identity: UUID | None = given.get(column)
        if role is not owner and identity is not None:
            raise InvalidInput(f"Only an account with the role {owner.name} can be one", (column,))
        if role is owner and column not in given:
            identity = before.get(column)
        if role is owner and identity is None:
            raise InvalidInput(f"An account with the role {owner.name} has to be one", (column,))
        found[column] = identity
    return found


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Those columns of an account that are not what they were."""
    return {name: after[name] for name in _KEPT if name in after and after[name] != before[name]}


def is_shut_out(changes: Mapping[str, Any]) -> bool:
    """Whether somebody may do less, or something else, after a change: whatever was signed in then has to end."""
    return changes.get("active") is False or not changes.keys().isdisjoint({"role", "attorney_id", "physician_id"})


def leaves_administration(before: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    """Whether a change takes an active administrator from the clinic."""
    was = before["active"] and before["role"] == Role.ADMIN
    return was and (changes.get("active") is False or changes.get("role", Role.ADMIN) != Role.ADMIN)
