"""The types of the textbook's Strawberry application: ordinary types, each field with its permission class."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Self

import strawberry
from strawberry import Info
from strawberry.permission import BasePermission

from db.global_ids import make_id
from domain.access.people import Role
from tests.bench.textbook import models


class IsSignedIn(BasePermission):
    """All signed-in users."""

    message = "Sign in first"

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        """Whether there is a viewer."""
        return info.context.viewer is not None


class IsStaff(BasePermission):
    """Administrators and billing staff."""

    message = "For billing staff"

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        """Whether the viewer is one of them."""
        return info.context.viewer is not None and info.context.viewer.role in (Role.ADMIN, Role.BILLING)


class KnowsPatients(BasePermission):
    """All roles but analysts."""

    message = "For those who may know patients by name"

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        """Whether the viewer is one of them."""
        return info.context.viewer is not None and info.context.viewer.role is not Role.ANALYST


@strawberry.enum
class InvoiceStatus(Enum):
    PENDING_INVOICE = "pending_invoice"
    PENDING_REDUCTION = "pending_reduction"
    PENDING_CHEQUE = "pending_cheque"
    CHEQUE_RECEIVED = "cheque_received"
    PAID = "paid"
    VOID = "void"
    WRITTEN_OFF = "written_off"


def visible(*permissions: type[BasePermission]) -> Any:
    """A field that is guarded."""
    return strawberry.field(permission_classes=list(permissions))


def resolved(*permissions: type[BasePermission]) -> Callable[[Callable[..., Any]], Any]:
    """A field with a resolver that is guarded."""
    decorate: Callable[[Callable[..., Any]], Any] = strawberry.field(permission_classes=list(permissions))
    return decorate


@strawberry.type
class Patient:
    id: strawberry.ID = visible(IsSignedIn)
    name: str = visible(KnowsPatients)

    @classmethod
    def of(cls, row: models.Patient) -> Self:
        return cls(id=strawberry.ID(make_id("Patient", row.id)), name=f"{row.first_name} {row.last_name}")


@strawberry.type
class Payer:
    id: strawberry.ID = visible(IsSignedIn)
    name: str = visible(IsSignedIn)

    @classmethod
    def of(cls, row: models.Payer) -> Self:
        return cls(id=strawberry.ID(make_id("Payer", row.id)), name=row.name)


@strawberry.type
class Physician:
    id: strawberry.ID = visible(IsSignedIn)
    name: str = visible(IsSignedIn)

    @classmethod
    def of(cls, row: models.Physician) -> Self:
        return cls(id=strawberry.ID(make_id("Physician", row.id)), name=row.name)


@strawberry.type
class Facility:
    id: strawberry.ID = visible(IsSignedIn)
    name: str = visible(IsSignedIn)

    @classmethod
    def of(cls, row: models.Facility) -> Self:
        return cls(id=strawberry.ID(make_id("Facility", row.id)), name=row.name)


@strawberry.type
class InvoiceLine:
    position: int = visible(IsStaff)
    cpt_code: str = visible(IsSignedIn)
    label: str = visible(IsSignedIn)
    units: int = visible(IsSignedIn)
    bilateral: bool = visible(IsSignedIn)
    amount: Decimal = visible(IsSignedIn)

    @classmethod
    def of(cls, row: models.InvoiceLine) -> Self:
        what = {"position": row.position, "cpt_code": row.code, "label": row.label}
        return cls(**what, units=row.units, bilateral=row.bilateral, amount=row.amount)


@strawberry.type
class Invoice:
    row: strawberry.Private[models.Invoice]
    id: strawberry.ID = visible(IsSignedIn)
    number: str = visible(IsSignedIn)
    status: InvoiceStatus = visible(IsSignedIn)
    version: int = visible(IsStaff)
    created_on: date = visible(IsSignedIn)
    service_date: date = visible(IsSignedIn)
    submitted_on: date | None = visible(IsStaff)
    paid_on: date | None = visible(IsStaff)
    billed_amount: Decimal = visible(IsSignedIn)
    agreed_amount: Decimal | None = visible(IsStaff)
    received_amount: Decimal = visible(IsStaff)
    balance: Decimal = visible(IsStaff)

    @resolved(IsSignedIn)
    async def patient(self, info: Info) -> Patient:
        return Patient.of(await info.context.one(models.Patient, self.row.patient_id))

    @resolved(IsSignedIn)
    async def payer(self, info: Info) -> Payer:
        return Payer.of(await info.context.one(models.Payer, self.row.payer_id))

    @resolved(IsSignedIn)
    async def physician(self, info: Info) -> Physician | None:
        row = await info.context.one(models.Physician, self.row.physician_id)
        return Physician.of(row) if row else None

    @resolved(IsSignedIn)
    async def facility(self, info: Info) -> Facility | None:
        row = await info.context.one(models.Facility, self.row.facility_id)
        return Facility.of(row) if row else None

    @resolved(IsSignedIn)
    async def lines(self, info: Info) -> list[InvoiceLine]:
        return [InvoiceLine.of(row) for row in await info.context.lines.load(self.row.id)]

    @classmethod
    def of(cls, row: models.Invoice) -> Self:
        days = {name: getattr(row, name) for name in ("created_on", "service_date", "submitted_on", "paid_on")}
        names = ("billed_amount", "agreed_amount", "received_amount", "balance")
        amounts = {name: getattr(row, name) for name in names}
        identity, status = strawberry.ID(make_id("Invoice", row.id)), InvoiceStatus(row.status)
        return cls(row=row, id=identity, number=row.number, status=status, version=row.version, **days, **amounts)


@strawberry.type
class PageInfo:
    has_next_page: bool = visible(IsSignedIn)
    end_cursor: str | None = visible(IsSignedIn)


@strawberry.type
class InvoiceConnection:
    nodes: list[Invoice] = visible(IsSignedIn)
    page_info: PageInfo = visible(IsSignedIn)
