"""The "limit" of a transition: one call of a hand-written PL/pgSQL function, behind a bare ASGI application."""

import sys
from datetime import UTC, date, datetime
from typing import Any

import orjson

from db.global_ids import read_id
from domain.clinics import clinic_day
from domain.ids import new_id
from tests.bench.measurements.submitting import CASE
from tests.bench.servers.bare import Application, Receive, Send, body_of, respond, run
from tests.bench.servers.limit import Pools

_CALL = "select submit_by_hand($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"


class _ByHand(Pools):
    """One endpoint, which takes the same request as the server."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        variables = orjson.loads(await body_of(receive))["variables"]["input"]
        wanted = read_id(variables["invoiceId"])
        assert wanted is not None
        moment = datetime.now(UTC)
        event = new_id(moment)
        values = (
            self.clinic,
            wanted[1],
            date.fromisoformat(variables["submittedOn"]),
            variables["method"].lower(),
            clinic_day(moment, self.time_zone),
            self.user,
            moment,
            event,
            event.hex,
            new_id(moment),
        )
        async with self.entered(CASE.role) as connection:
            found = await connection.fetchval(_CALL, *values)
        await respond(send, b'{"data":{"submitInvoice":%b}}' % found)


if __name__ == "__main__":
    by_hand = _ByHand(orjson.loads(sys.argv[1]))
    run(Application(by_hand, by_hand.open, by_hand.close))
