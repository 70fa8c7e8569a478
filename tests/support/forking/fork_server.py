"""A process that has imported `billing` and forks for each command that a test runs: a start without four seconds of imports.

What it imports and caches depends on no setting: each fork reads the environment and the arguments of its own request.
"""

import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

PROGRAM = "from tests.support.forking.fork_server import main; main()"
# The length of a request, which follows it; with it come the descriptors of standard output, standard error and status.
HEADER_BYTES = 4
# What is written to status: the process id, and later how the process ended, each as so many bytes.
STATUS_BYTES = 8


def main() -> None:
    """Fork for each request on the socket whose descriptor is the argument, until its other end is closed."""
    _import_everything()
    with socket.socket(fileno=int(sys.argv[1])) as control:
        _wait_for_request(control)
    from server.cli import main as billing  # noqa: PLC0415 (only a fork comes here)

    billing()


def _import_everything() -> None:
    """Import what `serve`, `worker`, `migrate` and `verify` use, and build what they build from it."""
    import db.migrate  # noqa: F401, PLC0415 (after the socket, before the first request)
    import server.commands.database  # noqa: PLC0415
    import server.commands.keys  # noqa: PLC0415
    import server.commands.serving  # noqa: PLC0415
    import server.serving  # noqa: F401, PLC0415
    from schema.whole import policy_statements  # noqa: PLC0415

    policy_statements()
    gc.collect()
    gc.freeze()


def _wait_for_request(control: socket.socket) -> None:
    """Returns in a fork alone, which has become the process of its request."""
    # Ctrl+C in a terminal is for the tests, which end everything that they started.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        header, descriptors, _, _ = socket.recv_fds(control, HEADER_BYTES, 3)
        _reap()
        if not header:
            sys.exit()
        request = json.loads(_exactly(control, int.from_bytes(header, "big")))
        if os.fork() == 0:
            control.close()
            _attend(request, *descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _reap() -> None:
    """Collect the attendants that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _exactly(control: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        found += control.recv(length - len(found))
    return found


def _attend(request: dict[str, Any], output: int, errors: int, status: int) -> None:
    """Fork again: the child returns; its parent writes the child's process id, and its wait status when it has ended."""
    child = os.fork()
    if child == 0:
        os.close(status)
        _become(request, output, errors)
        return
    os.close(output)
    os.close(errors)
    # Nobody reads the rest when the test has ended.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.write(status, child.to_bytes(STATUS_BYTES, "big"))
    _, code = os.waitpid(child, 0)
    os.write(status, code.to_bytes(STATUS_BYTES, "big"))
    os._exit(0)


def _become(request: dict[str, Any], output: int, errors: int) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, place in ((nothing, 0), (output, 1), (errors, 2)):
        os.dup2(source, place)
        os.close(source)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["-c", *request["arguments"]]
