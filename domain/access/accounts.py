"""The rules for user accounts: their columns, the password policy, and the attorney or physician that an account is linked to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from domain.access.people import Role
from domain.errors import InputReason, InvalidInput
from domain.texts import EMAIL, NAME, Text, checked

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
TOKEN_NAME = Text(100, needed=True)
# Role → the column that links an account of this role to a record, and the table of that record.
PERSONS = {Role.ATTORNEY: ("attorney_id", "attorneys"), Role.PHYSICIAN: ("physician_id", "physicians")}
_TEXTS = {"email": replace(EMAIL, needed=True), "name": NAME}
_CHOSEN = ("role", "active")
_KEPT = ("email", "name", *_CHOSEN, *(column for column, _ in PERSONS.values()))


def check_password(password: str, email: str, path: str = "password") -> str:
    """A password that the policy accepts; InvalidInput says what is wrong with any other, and never repeats it."""
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(
            f"A password has at least {SHORTEST_PASSWORD} characters",
            (path,),
            InputReason.TOO_SHORT,
            str(SHORTEST_PASSWORD),
        )
    if len(password) > LONGEST_PASSWORD:
        raise InvalidInput(
            f"A password has at most {LONGEST_PASSWORD} characters",
            (path,),
            InputReason.TOO_LONG,
            str(LONGEST_PASSWORD),
        )
    if len(set(password)) == 1 or password.casefold() in {email.casefold(), email.casefold().partition("@")[0]}:
        raise InvalidInput("This password is too easy to guess", (path,), InputReason.BAD_FORMAT)
    return password


def columns(inputs: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The columns of an account that the input sets, given its columns `before` (none for a new account)."""
    found: dict[str, Any] = checked(inputs, _TEXTS)
    if "email" in found:
        found["email"] = found["email"].lower()
    for name in _CHOSEN:
        if name in inputs:
            found[name] = _chosen(inputs, name)
    merged = {**(before or {}), **found}
    return found | _persons(inputs, Role(merged["role"]), before or {})


def _chosen(inputs: Mapping[str, Any], name: str) -> Any:
    if inputs[name] is None:
        raise InvalidInput("This cannot be left blank", (name,), InputReason.BLANK)
    return Role(inputs[name]).value if name == "role" else inputs[name]


def _persons(inputs: Mapping[str, Any], role: Role, before: Mapping[str, Any]) -> dict[str, UUID | None]:
    """The linked record: an account with the role ATTORNEY or PHYSICIAN always has one, any other account has none."""
    found: dict[str, UUID | None] = {}
    for owner, (column, _) in PERSONS.items():
        identity: UUID | None = inputs.get(column)
        if role is not owner and identity is not None:
            raise InvalidInput(f"Only an account with the role {owner.name} can have this reference", (column,))
        if role is owner and column not in inputs:
            identity = before.get(column)
        if role is owner and identity is None:
            raise InvalidInput(f"An account with the role {owner.name} needs this reference", (column,))
        found[column] = identity
    return found


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of an account whose values differ."""
    return {name: after[name] for name in _KEPT if name in after and after[name] != before[name]}


def is_shut_out(changes: Mapping[str, Any]) -> bool:
    """Whether a change takes away or changes access, so that the user's sessions and tokens must be revoked."""
    return changes.get("active") is False or not changes.keys().isdisjoint(
        {"email", "role", "attorney_id", "physician_id"}
    )


def leaves_administration(before: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    """Whether a change leaves the clinic with one administrator fewer who can sign in; after a new e-mail, that needs an invitation."""
    was = before["active"] and before["role"] == Role.ADMIN and before["joined_at"] is not None
    return was and (
        changes.get("active") is False or changes.get("role", Role.ADMIN) != Role.ADMIN or "email" in changes
    )
