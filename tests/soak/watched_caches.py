"""Decides how the caches of a server or worker are counted from outside: the program is `billing`, and tells on SIGUSR1."""

import functools
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any
from weakref import WeakSet

import cachetools
import orjson

PROGRAM = "from tests.soak.watched_caches import main; main()"
# Where it writes what it holds.
FOLDER = "SOAK_FOLDER"
_OURS = ("server", "schema", "resolvers", "exports", "imports", "db", "permissions", "domain")
_made: "WeakSet[Any]" = WeakSet()


def kept_in(folder: Path, process: int) -> Path:
    """The file in which a process says what its caches hold."""
    return folder / f"caches-{process}.json"


def main() -> None:
    """Run `billing`, and count its caches whenever that is asked for."""
    _note_new_ones()
    from server.cli import main as billing  # noqa: PLC0415 (what it makes while it is imported is noted)

    signal.signal(signal.SIGUSR1, _tell)
    billing()


def _note_new_ones() -> None:
    made = cachetools.Cache.__init__

    @functools.wraps(made)
    def noted(self: Any, *given: Any, **named: Any) -> None:
        made(self, *given, **named)
        # A mapping has no hash, and two of them that are empty are equal.
        _made.add(_Named(self))

    cachetools.Cache.__init__ = noted  # type: ignore[method-assign]


class _Named:
    """A cache, kept alive by its owner alone."""

    def __init__(self, cache: Any) -> None:
        self.cache, self.kind = cache, type(cache).__name__
        cache._named = self


def _tell(number: int, frame: FrameType | None) -> None:
    sizes: dict[str, int] = {}
    for one in list(_made):
        sizes[f"{one.kind} of at most {one.cache.maxsize:,.0f}"] = len(one.cache)
    for module in [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in _OURS]:
        sizes |= {f"{module.__name__}.{name}": size() for name, size in _functions(module)}
    sizes["objects that the collector of garbage follows"] = len(gc.get_objects())
    path = kept_in(Path(os.environ[FOLDER]), os.getpid())
    draft = path.with_suffix(".draft")
    draft.write_bytes(orjson.dumps(sizes))
    draft.replace(path)


def _functions(module: ModuleType) -> list[tuple[str, Callable[[], int]]]:
    """The functions of a module whose answers are kept, and how many answers are."""
    found = [(name, value) for name, value in vars(module).items() if hasattr(value, "cache_info")]
    own = [(name, value) for name, value in found if getattr(value, "__module__", "") == module.__name__]
    return [(name, lambda value=value: int(value.cache_info().currsize)) for name, value in own]  # type: ignore[misc]
