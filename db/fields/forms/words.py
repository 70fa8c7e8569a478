"""Texts of actions as SQL: of which PostgreSQL knows the type wherever they stand."""

from sqlalchemy import Text, cast, literal

from db.fields.base import Expression


def word(text: str) -> Expression:
    """A constant text."""
    return cast(literal(text, Text(), literal_execute=True), Text)
