"""Decides who is asked how the server feels: somebody of the office who asks for a page now and then, from another address."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Self

import httpx

OFFICE = "198.51.100.7"
_PAGE = "{ invoices(first: 50) { nodes { number status billedAmount balance patient { name } payer { name } } } }"
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Felt:
    """How long somebody waited, in milliseconds, and how often for nothing."""

    count: int
    p50: float
    p99: float
    failed: int


class Bystander:
    """A process of its own, so that the attackers' work is not taken for the server's."""

    def __init__(self, url: str, token: str) -> None:
        command = [sys.executable, "-m", "tests.attacks.bystander", url, token]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def felt(self) -> Felt:
        """What it was like since this was asked last."""
        assert self._process.stdin
        assert self._process.stdout
        print(file=self._process.stdin, flush=True)
        return Felt(**json.loads(self._process.stdout.readline()))


def main(url: str, token: str) -> None:
    """Ask, and tell whenever a line comes in."""
    import threading  # noqa: PLC0415

    taken: list[float] = []
    failed = [0]

    def ask() -> None:
        headers = {"authorization": f"Bearer {token}", "x-forwarded-for": OFFICE}
        with httpx.Client(headers=headers, timeout=30) as client:
            while True:
                began = time.perf_counter()
                failed[0] += not _is_answered(client, url)
                taken.append((time.perf_counter() - began) * 1000)
                time.sleep(_PAUSE_SECONDS)

    threading.Thread(target=ask, daemon=True).start()
    for _ in sys.stdin:
        seen, lost = sorted(taken), failed[0]
        taken.clear()
        failed[0] = 0
        felt: dict[str, Any] = {"count": len(seen), "failed": lost, "p50": 0.0, "p99": 0.0}
        if seen:
            felt |= {"p50": seen[len(seen) // 2], "p99": seen[min(int(len(seen) * 0.99), len(seen) - 1)]}
        print(json.dumps(felt), flush=True)


def _is_answered(client: httpx.Client, url: str) -> bool:
    try:
        answer = client.post(url, json={"query": _PAGE})
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and "errors" not in answer.json()


if __name__ == "__main__":
    main(*sys.argv[1:])
