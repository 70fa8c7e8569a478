"""Decides how a refusal is told, and who may meet which kind of it."""

import strawberry

from permissions.classes import only_for, shown
from schema.enums import ErrorCode, InvoiceStatus


@strawberry.interface(description="Why something was refused.")
class UserError:
    message: str = shown("public", "What is wrong, in words for a person.")
    code: ErrorCode = shown("public", "What sort of refusal it is.")
    path: list[str] = shown("public", "Which part of the input is meant.")


@only_for("staff")
@strawberry.type(description="The invoice is in a state from which this step does not start.")
class IllegalTransition(UserError):
    message: str = shown("staff", "What is wrong, in words for a person.")
    code: ErrorCode = shown("staff", "What sort of refusal it is.")
    path: list[str] = shown("staff", "Which part of the input is meant.")
    current_status: InvoiceStatus = shown("staff", "Where the invoice stands now.")
    transition: str = shown("staff", "The step that was asked for.")
    legal_now: list[str] = shown("staff", "The steps that are possible now.")


@only_for("staff")
@strawberry.type(description="Somebody else has changed the record since it was read.")
class StaleVersion(UserError):
    message: str = shown("staff", "What is wrong, in words for a person.")
    code: ErrorCode = shown("staff", "What sort of refusal it is.")
    path: list[str] = shown("staff", "Which part of the input is meant.")
    current_version: int = shown("staff", "The version that the record has now.")


@only_for("public")
@strawberry.type(description="Something in the input is missing or wrong.")
class InvalidInput(UserError):
    message: str = shown("public", "What is wrong, in words for a person.")
    code: ErrorCode = shown("public", "What sort of refusal it is.")
    path: list[str] = shown("public", "Which part of the input is meant.")


@only_for("signed_in")
@strawberry.type(description="There is no such record in reach.")
class NotFound(UserError):
    message: str = shown("signed_in", "What is wrong, in words for a person.")
    code: ErrorCode = shown("signed_in", "What sort of refusal it is.")
    path: list[str] = shown("signed_in", "Which part of the input is meant.")


@only_for("treatment")
@strawberry.type(description="It contradicts what is recorded already.")
class Conflict(UserError):
    message: str = shown("treatment", "What is wrong, in words for a person.")
    code: ErrorCode = shown("treatment", "What sort of refusal it is.")
    path: list[str] = shown("treatment", "Which part of the input is meant.")
