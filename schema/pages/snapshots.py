"""The generated files (role schemas, pages, policy version) that are kept in the repository, so that a change shows its effects."""

import sys
from pathlib import Path

from db.security import policy_version
from domain.access.people import Role
from schema.pages import lifecycle as lifecycle_page
from schema.pages import permissions as permissions_page
from schema.whole import policy_statements, sdl

_ROOT = Path(__file__).parents[2]
FOLDER = _ROOT / "schemas"


def name_of(role: Role | None) -> str:
    """The name of a role's schema file, without its extension."""
    return role.value if role else "nobody"


def file_of(role: Role | None) -> Path:
    """The schema file of a role."""
    return FOLDER / f"{name_of(role)}.graphql"


def pages() -> dict[Path, str]:
    """All generated files, by path, with their expected content."""
    return {
        **{file_of(role): sdl(role) for role in (None, *Role)},
        _ROOT / "docs" / "permissions.md": permissions_page.page(),
        _ROOT / "docs" / "lifecycle.md": lifecycle_page.page(),
        _ROOT / "docs" / "lifecycle.svg": lifecycle_page.diagram(),
        policy_version.FILE: policy_version.kept_text(policy_statements()),
    }


def write() -> None:
    """Write all generated files."""
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def stale() -> list[str]:
    """The generated files whose content differs from the expected one, by their paths in the project."""
    kept = {path: path.read_text(encoding="utf-8") if path.exists() else "" for path in pages()}
    return [path.relative_to(_ROOT).as_posix() for path, text in pages().items() if kept[path] != text]


def main(*options: str) -> None:
    """Write all generated files; with `--check`, only report stale files and exit with an error."""
    if "--check" not in options:
        write()
    elif found := stale():
        sys.exit(f"Stale: {', '.join(found)}. Run `make snapshots`, review the difference and commit it.")


if __name__ == "__main__":
    main(*sys.argv[1:])
