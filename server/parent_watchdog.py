"""The parent watchdog: ends a server when the program that started it has ended, for any reason."""

import os
import signal
import threading
import time

_LOOK_SECONDS = 0.5


def end_with_parent() -> None:
    """Send this process SIGTERM once its parent has ended, which a parent killed by SIGKILL cannot do itself."""
    threading.Thread(target=_watch, args=(os.getppid(),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    # An orphaned process gets another parent: polling for it works on every system, not only on Linux.
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
