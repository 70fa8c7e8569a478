"""GraphQL types of user errors: the domain's errors as clients read them, with an access rule for each type."""

from collections.abc import Iterable
from decimal import Decimal

import strawberry

from domain import errors as domain
from domain import warnings as domain_warnings
from domain.api_names import camel
from permissions.classes import only_for, output_field
from schema.enums import ErrorCode, InputReason, InvoiceStatus, WarningCode


@strawberry.interface(description="Why a request was rejected.")
class UserError:
    message: str = output_field("public", "The error message, in plain English.")
    code: ErrorCode = output_field("public", "The error code.")
    path: list[str] = output_field("public", "The path to the part of the input concerned.")


@only_for("staff")
@strawberry.type(description="The transition does not start from the current status of the invoice.")
class IllegalTransition(UserError):
    message: str = output_field("staff", "The error message, in plain English.")
    code: ErrorCode = output_field("staff", "The error code.")
    path: list[str] = output_field("staff", "The path to the part of the input concerned.")
    current_status: InvoiceStatus = output_field("staff", "The current status of the invoice.")
    transition: str = output_field("staff", "The name of the requested transition.")
    legal_now: list[str] = output_field("staff", "The transitions that are possible now.")


@only_for("treatment")
@strawberry.type(description="The record has been changed since it was read (optimistic locking).")
class StaleVersion(UserError):
    message: str = output_field("treatment", "The error message, in plain English.")
    code: ErrorCode = output_field("treatment", "The error code.")
    path: list[str] = output_field("treatment", "The path to the part of the input concerned.")
    current_version: int = output_field("treatment", "The current version of the record.")


@only_for("public")
@strawberry.type(description="A part of the input is missing or invalid.")
class InvalidInput(UserError):
    message: str = output_field("public", "The error message, in plain English.")
    code: ErrorCode = output_field("public", "The error code.")
    path: list[str] = output_field("public", "The path to the part of the input concerned.")
    reason: InputReason = output_field("public", "Why it is not valid, for a form that has words of its own.")
    limit: str | None = output_field(
        "public",
        "What the part may be at most or at least, such as a length or a day; null where there is no fixed limit.",
    )


@only_for("signed_in")
@strawberry.type(description="The record does not exist or you cannot access it.")
class NotFound(UserError):
    message: str = output_field("signed_in", "The error message, in plain English.")
    code: ErrorCode = output_field("signed_in", "The error code.")
    path: list[str] = output_field("signed_in", "The path to the part of the input concerned.")


@only_for("signed_in")
@strawberry.type(description="The request contradicts existing records.")
class Conflict(UserError):
    message: str = output_field("signed_in", "The error message, in plain English.")
    code: ErrorCode = output_field("signed_in", "The error code.")
    path: list[str] = output_field("signed_in", "The path to the part of the input concerned.")


@only_for("staff")
@strawberry.type(description="A warning about a change that was made.")
class ChangeWarning:
    message: str = output_field("staff", "The warning, in plain English.")
    code: WarningCode = output_field("staff", "The code of the warning.")
    path: list[str] = output_field("staff", "The path to the part of the input concerned.")
    amount: Decimal | None = output_field(
        "staff", "The amount that it is about, in US dollars; null for a warning without an amount."
    )
    record_ids: list[strawberry.ID] = output_field(
        "staff",
        "The ids of the records that it names, such as patients of the same name; empty for the other warnings.",
    )


def change_warnings(warnings: Iterable[domain_warnings.ChangeWarning]) -> list[ChangeWarning]:
    """The GraphQL warnings for warnings of the domain."""
    return [
        ChangeWarning(
            message=one.message,
            code=WarningCode(one.code),
            path=["input", *map(camel, one.path)],
            amount=one.amount,
            record_ids=[strawberry.ID(record) for record in one.record_ids],
        )
        for one in warnings
    ]


_PLAIN = {domain.NotFound: NotFound, domain.Conflict: Conflict}


def user_errors(refusals: Iterable[domain.DomainError]) -> list[UserError]:
    """The GraphQL errors for errors of the domain, one for each part of the input."""
    return [_user_error(error) for refusal in refusals for error in domain.all_errors(refusal)]


def _user_error(refusal: domain.DomainError) -> UserError:
    path = ["input", *map(camel, refusal.path)]
    code = ErrorCode(refusal.code)
    if isinstance(refusal, domain.IllegalTransition):
        return IllegalTransition(
            message=refusal.message,
            code=code,
            path=path,
            current_status=InvoiceStatus(refusal.status),
            transition=refusal.transition,
            legal_now=list(refusal.legal_now),
        )
    if isinstance(refusal, domain.StaleVersion):
        return StaleVersion(message=refusal.message, code=code, path=path, current_version=refusal.current_version)
    if isinstance(refusal, domain.InvalidInput):
        return InvalidInput(
            message=refusal.message, code=code, path=path, reason=InputReason(refusal.reason), limit=refusal.limit
        )
    published = next(_PLAIN[kind] for kind in type(refusal).__mro__ if kind in _PLAIN)
    return published(message=refusal.message, code=code, path=path)
