"""Decides where the schema of each role is kept as text, so that a change shows what became visible to whom."""

from pathlib import Path

from domain.people import Role
from schema.whole import sdl

FOLDER = Path(__file__).parent.parent / "schemas"


def name_of(role: Role | None) -> str:
    """What a role's file is called, without its ending."""
    return role.value if role else "nobody"


def file_of(role: Role | None) -> Path:
    """The file that keeps the schema of a role."""
    return FOLDER / f"{name_of(role)}.graphql"


def write() -> None:
    """Write the schema of every role to its file."""
    FOLDER.mkdir(exist_ok=True)
    for role in (None, *Role):
        file_of(role).write_text(sdl(role), encoding="utf-8")


if __name__ == "__main__":
    write()
