"""The check of a replica ends when it is cancelled, also in the moment in which it has an answer."""

import asyncio

from db.replica import Replica


class AnswersWhenAsked(Replica):
    """A replica whose check answers when the test says so."""

    def __init__(self) -> None:
        super().__init__("", None)  # type: ignore[arg-type]  # (it reaches no database)
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    async def _keeps_up(self) -> bool:
        self.asked.set()
        await self.answers.wait()
        return True


async def test_a_check_that_is_cancelled_as_it_answers_ends() -> None:
    replica = await AnswersWhenAsked().__aenter__()
    await replica.asked.wait()
    replica.answers.set()
    replica._task.cancel()
    await asyncio.wait({replica._task}, timeout=2)
    assert replica._task.cancelled()
