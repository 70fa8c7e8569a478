"""The password of the embedded PostgreSQL's superuser: its file, its SCRAM verifier, and who must give it.

The password is 32 random bytes as hexadecimal digits. It stands in `pgpass` (libpq's format) below the root of the place, mode 0600,
owned by the account that uses the database; PostgreSQL's own account, its programs, command lines and environments get
the verifier alone, with which nobody can sign in.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from server.embedded.cluster import (
    Account,
    EmbeddedPostgresError,
    Place,
    child_environment,
    reach,
    run_program,
    sync_folder,
)

SUPERUSER = "postgres"
# Every connection gives a password, those of the account that PostgreSQL runs as, too.
HBA = "local all all scram-sha-256\nlocal replication all scram-sha-256\n"
_ITERATIONS = 4096
_LINE = re.compile(rf"\*:\*:\*:{SUPERUSER}:([0-9a-f]{{64}})\n?")


def read_password(place: Place) -> str:
    """The superuser's password; "" while a PostgreSQL started by an earlier release, which asks for none, still runs."""
    try:
        found = _LINE.fullmatch(place.password.read_text("ascii"))
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        found = None
    if not found:
        raise EmbeddedPostgresError(f"{place.password} does not hold a password: {how_to_renew(place)}")
    return found[1]


def how_to_renew(place: Place) -> str:
    """What to do when the file and the database hold different passwords, as half a sentence."""
    return f"stop every billing process of that folder, delete {place.password.name} and start again; no data is lost"


def verifier_of(password: str) -> str:
    """The SCRAM-SHA-256 verifier by which PostgreSQL recognises a password (RFC 5803), with a new salt."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt_text}${stored_text}:{server_text}"


@contextmanager
def new_verifier(place: Place) -> Iterator[str]:
    """The verifier of a new password, which is written to its file when the context ends without an error."""
    password = secrets.token_hex(32)
    # An old password beside new data would be taken for theirs; without one, the next start sets another.
    place.password.unlink(missing_ok=True)
    yield verifier_of(password)
    _write(place, password)


def change_over(place: Place, programs: Path, account: Account | None, alive: int) -> None:
    """Give a cluster of an earlier release, whose file is missing, a password; in single-user mode, which has no socket."""
    if place.password.exists():
        return
    with new_verifier(place) as verifier, ExitStack() as doors:
        data, descriptors = reach(place.data, account, doors)
        argv = [str(programs / "bin" / "postgres"), "--single", "-D", data, "-c", "exit_on_error=on", SUPERUSER]
        statement = f"alter role {SUPERUSER} password '{verifier}'\n"
        result = run_program(argv, account, [alive, *descriptors], child_environment(), statement)
        if result.returncode != 0:
            raise EmbeddedPostgresError(f"PostgreSQL's password could not be set: {result.stderr.strip()}")


def write_hba(place: Place) -> None:
    """Write who must give a password; PostgreSQL's account may read the file, and not change it."""
    unfinished = place.hba.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    unfinished.write_text(HBA, "ascii")
    unfinished.chmod(0o444)
    unfinished.replace(place.hba)


def _write(place: Place, password: str) -> None:
    unfinished = place.password.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(place.open(unfinished), "wb") as stream:
        stream.write(f"*:*:*:{SUPERUSER}:{password}\n".encode())
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(place.password)
    sync_folder(place.root)
