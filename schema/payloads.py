"""Decides what mutations answer: the record, read anew, and why something was refused."""

from collections.abc import Iterable

import strawberry
from strawberry import Info, Private

from domain import errors as domain
from permissions.classes import asked
from resolvers.reading import follow
from resolvers.writing import Done
from schema.cases import Case
from schema.cheques import Cheque
from schema.enums import ErrorCode, InvoiceStatus
from schema.errors import Conflict, IllegalTransition, InvalidInput, NotFound, StaleVersion, UserError
from schema.invoices import Invoice

_PLAIN = {domain.InvalidInput: InvalidInput, domain.NotFound: NotFound, domain.Conflict: Conflict}


def told(refusals: Iterable[domain.Refusal]) -> list[UserError]:
    """The refusals of the domain as clients read them."""
    return [_told(refusal) for refusal in refusals]


def _told(refusal: domain.Refusal) -> UserError:
    path = ["input", *map(_camel, refusal.path)]
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
    return _PLAIN[type(refusal)](message=refusal.message, code=code, path=path)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@strawberry.type(description="The answer to a step of an invoice.")
class InvoicePayload:
    done: Private[Done]

    @asked("staff", "The invoice as it is now; nothing when the step was refused.")
    async def invoice(self, info: Info) -> Invoice | None:
        return await follow(info, "Invoice", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("staff", "Why the step was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.type(description="The answer to a step of a cheque.")
class ChequePayload:
    done: Private[Done]

    @asked("staff", "The cheque as it is now; nothing when the step was refused.")
    async def cheque(self, info: Info) -> Cheque | None:
        return await follow(info, "Cheque", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("staff", "Why the step was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.type(description="The answer to a step of a case.")
class CasePayload:
    done: Private[Done]

    @asked("staff", "The case as it is now; nothing when the step was refused.")
    async def case(self, info: Info) -> Case | None:
        return await follow(info, "Case", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("staff", "Why the step was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)
