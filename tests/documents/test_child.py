"""The child process that draws: bounded, and replaced when it hangs or dies."""

import os
import signal
from pathlib import Path

import pytest

from documents import program
from documents.child import Child, DrawingError
from documents.drawing import Drawer
from domain.documents.kinds import DocumentKind
from tests.documents import examples


def _pid(drawer: Drawer) -> int:
    pid = drawer._child.pid
    assert pid is not None
    return pid


def test_a_dead_child_is_replaced(drawer: Drawer) -> None:
    before = drawer.draw(DocumentKind.PAYOFF_LETTER, examples.PAYOFF)
    os.kill(_pid(drawer), signal.SIGKILL)
    for _ in range(2):
        try:
            after = drawer.draw(DocumentKind.PAYOFF_LETTER, examples.PAYOFF)
        except DrawingError:
            # It died while it was written to: the next document has a new one.
            continue
        break
    assert after == before


def test_a_hung_child_is_refused_in_time_and_replaced() -> None:
    drawer = Drawer()
    drawer._child = Child(wait_seconds=20)
    drawer.draw(DocumentKind.PAYOFF_LETTER, examples.PAYOFF)
    hung = _pid(drawer)
    os.kill(hung, signal.SIGSTOP)
    drawer._child._wait_seconds = 0.2
    with pytest.raises(DrawingError, match="took too long"):
        drawer.draw(DocumentKind.PAYOFF_LETTER, examples.PAYOFF)
    drawer._child._wait_seconds = 20
    assert drawer.draw(DocumentKind.PAYOFF_LETTER, examples.PAYOFF).pages == 1
    assert _pid(drawer) != hung
    drawer.close()


def test_a_child_that_has_started_can_open_nothing_more(drawer: Drawer) -> None:
    drawer.draw(DocumentKind.PAYOFF_LETTER, examples.PAYOFF)
    limits = Path(f"/proc/{_pid(drawer)}/limits").read_text("ascii")
    told = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()[1:]}
    assert told["Max open files"] == ["3", "3"]
    assert told["Max file size"] == ["0", "0"]
    assert told["Max address space"] == [str(program.MOST_MEMORY)] * 2
    assert int(told["Max cpu time"][0]) > 0
    assert Path(f"/proc/{_pid(drawer)}/environ").read_bytes() == b""


def test_what_cannot_be_drawn_is_refused_and_the_child_goes_on(drawer: Drawer) -> None:
    with pytest.raises(DrawingError):
        drawer.draw(DocumentKind.INVOICE, examples.invoice(), logo=b"no picture")
    assert drawer.draw(DocumentKind.INVOICE, examples.invoice(), logo=examples.logo()).pages == 1
