"""Decides what is said of the attorneys who represent patients."""

import strawberry

from permissions.classes import shown
from schema.connections import Node


@strawberry.type(description="An attorney who represents patients.")
class Attorney(Node):
    id: strawberry.ID = shown("staff", "The attorney's id.")
    name: str = shown("staff", "The attorney's name.")
    firm: str = shown("staff", "The law firm.")
    email: str | None = shown("staff", "The attorney's e-mail address.")
    phone: str | None = shown("staff", "The attorney's telephone number.")
    active: bool = shown("staff", "Whether the attorney may be chosen for cases.")
