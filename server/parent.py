"""Decides that a server which was started by another program ends when that program does, however it ends."""

import os
import signal
import threading
import time

_LOOK_SECONDS = 0.5


def end_with_parent() -> None:
    """From now on, once the parent is gone, this process gets the SIGTERM that a parent killed by SIGKILL cannot pass on."""
    threading.Thread(target=_watch, args=(os.getppid(),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    # An orphan gets another parent: that is how a process learns of it everywhere, and not on Linux alone.
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
