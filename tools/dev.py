"""Runs the server with the demo clinic while one works on it, and starts it again when a file is saved.

`make dev` runs it. The embedded PostgreSQL stays up in between, so that a new start finds it running.
"""

import sys
from contextlib import nullcontext
from pathlib import Path

from watchfiles import run_process

from server.embedded.postgres import EmbeddedPostgres
from server.settings import SettingError, read_settings

PROJECT = Path(__file__).parents[1]
WATCHED = ("server", "schema", "resolvers", "exports", "imports", "db", "permissions", "domain")
# A request that is running may end; a subscription that stays open is cut off.
_GRACE_SECONDS = 2


def run() -> None:
    """Serve until SIGINT or SIGTERM."""
    settings = read_settings()
    with nullcontext() if settings.database_url else EmbeddedPostgres(settings.home):
        run_process(
            *(PROJECT / name for name in WATCHED if (PROJECT / name).is_dir()),
            target=f"'{Path(sys.executable).parent / 'billing'}' serve --demo --while-parent-lives",
            target_type="command",
            sigint_timeout=_GRACE_SECONDS,
            callback=lambda changes: print(f"changed: {', '.join(sorted({Path(path).name for _, path in changes}))}"),
        )


if __name__ == "__main__":
    try:
        run()
    except SettingError as error:
        sys.exit(f"Error: {error}")
