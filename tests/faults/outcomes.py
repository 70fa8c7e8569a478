"""The outcome of a fault: what was promised, what happened, and which promises were not kept."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """What happened, in sentences, and which of the promises were not kept."""

    happened: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def describe(self, words: str) -> None:
        """Add a sentence about what happened."""
        self.happened.append(words)

    def promise(self, is_kept: bool, words: str) -> None:
        """Check one promise; `words` is true when it is kept."""
        if not is_kept:
            self.broken.append(words)


@dataclass(frozen=True)
class Fault:
    """A fault, what is promised about it, and the function that causes it."""

    name: str
    promise: str
    cause: Callable[[], Outcome]
