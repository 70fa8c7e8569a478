"""Decides what is said of the places of treatment."""

import strawberry

from permissions.classes import shown
from schema.connections import Node


@strawberry.type(description="A place of treatment.")
class Facility(Node):
    id: strawberry.ID = shown("parties", "The facility's id.")
    name: str = shown("parties", "The facility's name.")
    geographic_factor: str = shown("staff", "What the clinic's own prices are multiplied by in this place.")
    active: bool = shown("staff", "Whether the facility is still in use.")
