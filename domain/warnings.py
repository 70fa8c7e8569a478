"""Warnings: what a user should look at although the change was made."""

from dataclasses import dataclass
from enum import StrEnum


class WarningCode(StrEnum):
    """The machine-readable code of a warning."""

    NPI_IN_USE = "npi_in_use"


@dataclass(frozen=True, slots=True)
class ChangeWarning:
    """A warning: its code, a message for the user, and the part of the input that it is about."""

    code: WarningCode
    message: str
    path: tuple[str, ...] = ()


NPI_IN_USE = ChangeWarning(
    WarningCode.NPI_IN_USE, "Another active physician has this NPI, which belongs to one person", ("npi",)
)
