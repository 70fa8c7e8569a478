"""Runs `billing` so that the size of its caches can be read from outside: on SIGUSR1 the process writes them to a file."""

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

from tests.house.source import LAYERS

PROGRAM = "from tests.soak.watched_caches import main; main()"
# The environment variable that names the folder of these files.
FOLDER = "SOAK_FOLDER"
_OURS = LAYERS
_all_caches: "WeakSet[Any]" = WeakSet()


def sizes_file(folder: Path, process: int) -> Path:
    """The file to which a process writes the sizes of its caches."""
    return folder / f"caches-{process}.json"


def main() -> None:
    """Run `billing`, and write the sizes of its caches on SIGUSR1."""
    _record_new_caches()
    from server.cli import main as billing  # noqa: PLC0415 (the caches that it creates while it is imported are recorded)

    signal.signal(signal.SIGUSR1, _write_sizes)
    billing()


def _record_new_caches() -> None:
    original_init = cachetools.Cache.__init__

    @functools.wraps(original_init)
    def recorded(self: Any, *args: Any, **kwargs: Any) -> None:
        original_init(self, *args, **kwargs)
        # A mapping has no hash, and two empty ones are equal, so that a set needs a wrapper.
        _all_caches.add(_CacheReference(self))

    cachetools.Cache.__init__ = recorded  # type: ignore[method-assign]


class _CacheReference:
    """A weak reference to a cache by name: only the owner keeps the cache alive."""

    def __init__(self, cache: Any) -> None:
        self.cache, self.kind = cache, type(cache).__name__
        cache._reference = self


def _write_sizes(number: int, frame: FrameType | None) -> None:
    sizes: dict[str, int] = {}
    for one in list(_all_caches):
        sizes[f"{one.kind} of at most {one.cache.maxsize:,.0f}"] = len(one.cache)
    for module in [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in _OURS]:
        sizes |= {f"{module.__name__}.{name}": size() for name, size in _functions(module)}
    sizes["objects tracked by the garbage collector"] = len(gc.get_objects())
    path = sizes_file(Path(os.environ[FOLDER]), os.getpid())
    draft = path.with_suffix(".draft")
    draft.write_bytes(orjson.dumps(sizes))
    draft.replace(path)


def _functions(module: ModuleType) -> list[tuple[str, Callable[[], int]]]:
    """The cached functions of a module, and the number of their cached results."""
    found = [(name, value) for name, value in vars(module).items() if hasattr(value, "cache_info")]
    own = [(name, value) for name, value in found if getattr(value, "__module__", "") == module.__name__]
    return [(name, lambda value=value: int(value.cache_info().currsize)) for name, value in own]  # type: ignore[misc]
