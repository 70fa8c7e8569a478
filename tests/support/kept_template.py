"""Caches the tests' database with the demo clinic between runs, and makes it anew when its sources change.

It is kept as the data folder of a PostgreSQL that was shut down cleanly, below pytest's cache (`pytest --cache-clear`
and `make clean` remove it), by a hash of all its sources. A run works on a copy, so that runs do not affect each other
and a killed run leaves no damaged data behind.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from server.embedded.postgres import EmbeddedPostgres

PROJECT = Path(__file__).parents[2]
# The sources of tables and rows.
MADE_OF = (
    "db",
    "domain",
    "imports",
    "permissions",
    "tests/support/databases.py",
    "server/embedded/cluster.py",
    "server/embedded/credentials.py",
    "uv.lock",
)
# The further sources of grants and policies: these are set anew in a copy, which takes one second instead of ten.
RIGHTS_OF = ("schema", "resolvers", "identity", "server/database_urls.py")
KEPT = 2
Make = Callable[[Path], None]


def key_of(*names: str, project: Path = PROJECT) -> str:
    """A hash of files, and of all files in folders, with their names."""
    digest = hashlib.sha256()
    for path in sorted(path for name in names for path in _files(project / name)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(project)}\0{content}\n".encode())
    return digest.hexdigest()[:16]


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
    yield from (file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def make_data(folder: Path) -> None:
    """Make the data of a PostgreSQL that has the template, in `folder`/postgres; PostgreSQL has ended afterwards."""
    from tests.support.databases import make_template

    with EmbeddedPostgres(folder, durable=False) as server:
        make_template(server)


def set_rights(server: EmbeddedPostgres) -> None:
    """Bring the template's grants and policies up to date with the schema."""
    from server.database_urls import bring_up_to_date
    from tests.support.databases import TEMPLATE, address_of

    asyncio.run(bring_up_to_date(address_of(server, TEMPLATE)))


def restore(cache: Path, folder: Path, make: Make = make_data, project: Path = PROJECT) -> bool:
    """Copy the kept data to the data folder of `EmbeddedPostgres(folder)`; it is made first where none is kept.

    False when its grants and policies were made from another schema.
    """
    rights = key_of(*RIGHTS_OF, project=project)
    with _locked(cache):
        kept = cache / key_of(*MADE_OF, project=project)
        if not kept.exists():
            _keep(kept, make, rights)
        if key_of(*MADE_OF, project=project) != kept.name:
            # Made from older sources than its name says, its roles or tables would be missing in all later runs.
            shutil.rmtree(kept)
            raise RuntimeError("The sources changed while the template was made: run the test again")
        os.utime(kept)
        _drop_old(cache)
        (folder / "postgres").mkdir(mode=0o700, parents=True)
        # The data belongs to the account that PostgreSQL runs as: `cp -a` keeps owners, which shutil does not. The
        # passwords of the server's logins in it are derived from the superuser's in pgpass.
        for name in ("data", "pgpass"):
            subprocess.run(["cp", "-a", kept / "postgres" / name, folder / "postgres" / name], check=True)
        return (kept / "rights").read_text(encoding="utf-8") == rights


def _keep(kept: Path, make: Make, rights: str) -> None:
    """Make the data in a temporary folder, and move it to its place when it is complete."""
    unfinished = Path(mkdtemp(prefix="unfinished-", dir=kept.parent))
    make(unfinished)
    if (unfinished / "postgres" / "data" / "postmaster.pid").exists():
        raise RuntimeError("PostgreSQL was not shut down cleanly: run the test again")
    (unfinished / "rights").write_text(rights, encoding="utf-8")
    unfinished.rename(kept)


def _drop_old(cache: Path) -> None:
    """Keep the most recently used ones, and remove unfinished ones of killed runs."""
    folders = sorted((path for path in cache.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    complete = [path for path in folders if not path.name.startswith("unfinished-")]
    for path in {*folders} - {*complete[-KEPT:]}:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Hold the exclusive lock of the cache; it is released when the process ends in any way."""
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
