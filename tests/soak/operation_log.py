"""Records the operations of the soak test; everything but data and intended refusals counts as an error."""

import re
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from time import perf_counter
from typing import Any

import httpx

from tests.support.client import Client

# The label of an operation: its name or, where it has none, its first field.
_NAMED = re.compile(r"\s*(?:query|mutation|subscription)\s+(\w+)")
_FIELD = re.compile(r"[^{]*\{\s*(\w+)")
# Some mutations are sent to be refused, so that refusals are part of the load.
INTENDED = frozenset({"ILLEGAL_TRANSITION", "STALE_VERSION"})


@dataclass
class OperationLog:
    """How often each operation ran, in total and by role, how long it took, and the errors."""

    done: Counter[str] = field(default_factory=Counter)
    by_role: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def note(self, name: str, role: str, seconds: float) -> None:
        """Count one operation that was answered."""
        with self.lock:
            self.done[name] += 1
            self.by_role[role] += 1
            self.seconds.setdefault(name, []).append(seconds)

    def refuse(self, code: str) -> None:
        """Count a refusal by the rules of the domain; one that was not intended is an error."""
        with self.lock:
            self.refused[code] += 1
        if code not in INTENDED:
            self.fail(f"refused: {code}")

    def fail(self, words: str) -> None:
        """Record an error."""
        with self.lock:
            self.errors.append(words)


class RecordedClient(Client):
    """A client of a role that records every request."""

    def __init__(self, url: str, token: str | None, role: str, operation_log: OperationLog) -> None:
        super().__init__(url, token)
        self.role, self.operation_log = role, operation_log

    def post(self, query: str, **variables: Any) -> httpx.Response:
        """The response; anything but data is recorded as an error."""
        name, began = label(query), perf_counter()
        try:
            response = super().post(query, **variables)
        except httpx.HTTPError as failure:
            self.operation_log.fail(f"{name} as {self.role}: {failure!r}")
            raise
        self.operation_log.note(name, self.role, perf_counter() - began)
        answer = response.json()
        if response.status_code != 200 or "errors" in answer:
            self.operation_log.fail(f"{name} as {self.role}: {response.status_code} {answer.get('errors')}")
            return response
        for code in _codes(answer["data"]):
            self.operation_log.refuse(code)
        return response


def label(query: str) -> str:
    """The label under which an operation is counted."""
    found = _NAMED.match(query) or _FIELD.match(query)
    return found[1] if found else "?"


def _codes(data: dict[str, Any]) -> list[str]:
    """The codes of the refusals in the payloads of an answer."""
    payloads = [payload for payload in data.values() if isinstance(payload, dict)]
    return [error.get("code") or error["message"] for payload in payloads for error in payload.get("errors") or ()]
