"""The probe client of the attacks: it asks for a page at intervals from another address, and measures its latency."""

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
class LatencySample:
    """The latency of the probe client in milliseconds, and how many of its requests failed."""

    count: int
    p50: float
    p99: float
    failed: int


class ProbeClient:
    """Runs the probe client as a process of its own, so that the attackers' work does not count as the server's."""

    def __init__(self, url: str, token: str) -> None:
        command = [sys.executable, "-m", "tests.attacks.probe", url, token]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def latency(self) -> LatencySample:
        """The latency since the last call."""
        assert self._process.stdin
        assert self._process.stdout
        print(file=self._process.stdin, flush=True)
        return LatencySample(**json.loads(self._process.stdout.readline()))


def main(url: str, token: str) -> None:
    """Send requests, and print the latency for each line of standard input."""
    import threading  # noqa: PLC0415

    durations: list[float] = []
    failed = [0]

    def ask() -> None:
        headers = {"authorization": f"Bearer {token}", "x-forwarded-for": OFFICE}
        with httpx.Client(headers=headers, timeout=30) as client:
            while True:
                began = time.perf_counter()
                failed[0] += not _is_answered(client, url)
                durations.append((time.perf_counter() - began) * 1000)
                time.sleep(_PAUSE_SECONDS)

    threading.Thread(target=ask, daemon=True).start()
    for _ in sys.stdin:
        seen, lost = sorted(durations), failed[0]
        durations.clear()
        failed[0] = 0
        latency: dict[str, Any] = {"count": len(seen), "failed": lost, "p50": 0.0, "p99": 0.0}
        if seen:
            latency |= {"p50": seen[len(seen) // 2], "p99": seen[min(int(len(seen) * 0.99), len(seen) - 1)]}
        print(json.dumps(latency), flush=True)


def _is_answered(client: httpx.Client, url: str) -> bool:
    try:
        answer = client.post(url, json={"query": _PAGE})
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and "errors" not in answer.json()


if __name__ == "__main__":
    main(*sys.argv[1:])
