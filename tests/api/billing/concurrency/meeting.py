"""Requests that meet while a lock is held, each sent once the one before waits, so that the order in which they wait is known."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import asyncpg

from tests.support.api.scenarios import Clinic

_WAITING = """select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"""
_ATTEMPTS, _PAUSE_SECONDS = 200, 0.05
Request = Callable[[], Any]


def while_inserts_wait(clinic: Clinic, table: str, *requests: Request) -> list[Any]:
    """Send requests while nothing can be inserted into a table; their answers."""
    return while_locked(clinic, f"lock table {table} in share row exclusive mode", *requests)


def while_locked(clinic: Clinic, statement: str, *requests: Request) -> list[Any]:
    """Send requests, each once the one before is answered or waits for a lock, while a statement holds its locks; their answers."""

    async def run(threads: ThreadPoolExecutor) -> list[Future[Any]]:
        connection, watching = [await asyncpg.connect(clinic.address.owner) for _ in range(2)]
        sent = []
        async with connection.transaction():
            await connection.execute(statement)
            for number, request in enumerate(requests, 1):
                sent.append(threads.submit(request))
                for _ in range(_ATTEMPTS):
                    if sent[-1].done() or await watching.fetchval(_WAITING) >= number:
                        break
                    await asyncio.sleep(_PAUSE_SECONDS)
                else:
                    raise AssertionError(f"request {number} is neither answered nor does it wait")
        await connection.close()
        await watching.close()
        return sent

    with ThreadPoolExecutor(len(requests)) as threads:
        return [one.result() for one in asyncio.run(run(threads))]


def outcomes(answers: list[Any]) -> list[str]:
    """The code of the error of each answer, or that it was done."""
    return [answer["errors"][0]["code"] if answer["errors"] else "done" for answer in answers]
