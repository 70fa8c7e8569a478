"""The "limit" of a quote: one hand-written statement that prices all lines, behind a bare ASGI application."""

import sys
from datetime import date
from typing import Any

import orjson

from db.global_ids import read_id
from tests.bench.measurements.quoting import CASE
from tests.bench.servers.bare import Application, Receive, Send, body_of, respond, run
from tests.bench.servers.limit import Pools

# $1 the clinic, $2 the lines, $3 the service date, $4 the payer, $5 the facility.
_STATEMENT = """with wanted as (
        select * from rows from (json_to_recordset($2::json) as (code text, units integer, bilateral boolean))
            with ordinality as w(code, units, bilateral, place)),
    found as (
        select w.place, c.code, c.label, w.units, w.bilateral,
            coalesce(best.source, 'BASE_PRICE') as source, coalesce(best.rate, c.base_price) as rate,
            case when best.of_payer then 1.0000 else f.geographic_factor end as factor,
            case when not w.bilateral then 1.0 when c.bilateral_policy = 'double' then 2.0 else 1.5 end as sides
        from wanted w join facilities f on f.clinic_id = $1 and f.id = $5::uuid
        join cpt_codes c on c.clinic_id = $1 and c.code = w.code collate "C" and c.active and c.valid_from <= $3
            and (c.valid_to is null or c.valid_to > $3)
        left join lateral (
            select r.rate, s.payer_id is not null as of_payer, case when s.payer_id is not null
                then case when s.facility_id is not null then 'PAYER_FACILITY_RATE' else 'PAYER_RATE' end
                else case when s.facility_id is not null then 'FACILITY_SCHEDULE' else 'CLINIC_SCHEDULE' end end as source
            from fee_schedules s join fee_schedule_rates r on r.clinic_id = $1 and r.fee_schedule_id = s.id and r.code = c.code
            where s.clinic_id = $1 and s.valid_from <= $3 and (s.valid_to is null or s.valid_to > $3)
                and (s.payer_id = $4::uuid or s.payer_id is null) and (s.facility_id = $5::uuid or s.facility_id is null)
            order by s.payer_id is null, s.facility_id is null limit 1) best on true),
    priced as (select *, round(rate * factor, 2) as unit, round(round(rate * factor, 2) * sides * units, 2) as amount from found)
    select json_build_object('quote', json_build_object('total', sum(amount)::text, 'lines', json_agg(json_build_object(
        'code', code, 'label', label, 'units', units, 'bilateral', bilateral, 'unitPrice', unit::text, 'amount', amount::text,
        'trace', json_build_object('source', source, 'rate', rate::text, 'geographicFactor', factor::text,
            'bilateralFactor', sides::text, 'overrideReason', null)) order by place)), 'errors', '[]'::json)
    from priced where exists (select from payers where clinic_id = $1 and id = $4::uuid)"""


class _ByHand(Pools):
    """One endpoint, which takes the same request as the server."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        variables = orjson.loads(await body_of(receive))["variables"]["input"]
        payer, facility = read_id(variables["payerId"]), read_id(variables["facilityId"])
        assert payer is not None
        assert facility is not None
        values = (orjson.dumps(variables["lines"]), date.fromisoformat(variables["serviceDate"]), payer[1], facility[1])
        async with self.entered(CASE.role) as connection:
            found = await connection.fetchval(_STATEMENT, self.clinic, *values)
        await respond(send, b'{"data":{"priceQuote":%b}}' % found)


if __name__ == "__main__":
    by_hand = _ByHand(orjson.loads(sys.argv[1]))
    run(Application(by_hand, by_hand.open, by_hand.close))
