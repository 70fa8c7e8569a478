"""Decides what is said of the physicians who treat."""

import strawberry

from permissions.classes import shown
from schema.connections import Node


@strawberry.type(description="A physician who treats.")
class Physician(Node):
    id: strawberry.ID = shown("parties", "The physician's id.")
    name: str = shown("parties", "The physician's name.")
    npi: str | None = shown("staff", "The physician's National Provider Identifier.")
    active: bool = shown("staff", "Whether the physician still treats here.")
