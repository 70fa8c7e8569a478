"""Decides which pages are generated from the code and kept beside it, so that a change shows what it changes for whom."""

from pathlib import Path

from domain.people import Role
from schema import lifecycle_page, permissions_page
from schema.whole import sdl

_ROOT = Path(__file__).parent.parent
FOLDER = _ROOT / "schemas"


def name_of(role: Role | None) -> str:
    """What a role's file is called, without its ending."""
    return role.value if role else "nobody"


def file_of(role: Role | None) -> Path:
    """The file that keeps the schema of a role."""
    return FOLDER / f"{name_of(role)}.graphql"


def pages() -> dict[Path, str]:
    """Every generated file, with what it should hold."""
    return {
        **{file_of(role): sdl(role) for role in (None, *Role)},
        _ROOT / "docs" / "permissions.md": permissions_page.page(),
        _ROOT / "docs" / "lifecycle.md": lifecycle_page.page(),
        _ROOT / "docs" / "lifecycle.svg": lifecycle_page.diagram(),
    }


def write() -> None:
    """Write every generated file."""
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
