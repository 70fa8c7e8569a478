"""Playwright for tests that are no coroutines: its objects live in a thread of their own, and each call waits for its result.

Playwright's own synchronous interface keeps an event loop running in the thread of the test, where nothing else may run one then.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Self

_PATIENCE_SECONDS = 60.0


class BrowserThread:
    """A thread with an event loop, in which the objects of the browser live."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What a function of Playwright returns, called in the thread, once it is there; calls of that wait, too."""

        async def awaited() -> Any:
            found = function(*arguments, **named)
            return await found if inspect.isawaitable(found) else found

        found = asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(_PATIENCE_SECONDS)
        return self.waiting(found)

    def waiting(self, value: Any) -> Any:
        """An object of Playwright whose calls wait; any other value as it is."""
        return Waiting(self, value) if type(value).__module__.startswith("playwright.") else value


class Waiting:
    """An object of Playwright's asynchronous interface; its methods are called in the thread, and what they return is awaited."""

    def __init__(self, thread: BrowserThread, of: Any) -> None:
        self._thread, self._of = thread, of

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._of, name)
        if not callable(value):
            return self._thread.waiting(value)

        return partial(self._thread.call, value)
