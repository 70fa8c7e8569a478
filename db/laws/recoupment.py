"""The laws of refunds that come back, of provider adjustments and recoupment requests, and the equation of all money on each day."""

from db.laws.base import Law
from db.merged_records import are_one
from domain.payments.recoupment import LOSS_CODE

# On each day on which something happened to a payment: what of it is money, what it was used for, and what was refunded. A payment
# that is money is used for at most its amount; one that was returned, or is not received yet, for nothing but refunds. Where all
# happened on the day of the receipt, the other laws of payments suffice, so that few payments are added up day by day. What it took
# back of a payment that was returned since is owed by its payer, and may be used beyond its amount.
_EVERY_DAY = """with parts as (select clinic_id, cheque_id, {allocated} as day, x.amount as used, 0.00 as refunded,
            case when {restored} then x.amount else 0.00 end as owed from cheque_allocations x {clinics}
        union all select clinic_id, cheque_id, {refunded}, 0, x.amount, 0 from refunds x {clinics}
        union all select clinic_id, cheque_id, {adjusted}, case when x.code = '{loss}' then 0 else -x.amount end,
            case when x.code = '{loss}' then -x.amount else 0 end, 0 from provider_adjustments x {clinics}),
    payments as (select c.clinic_id, c.id as cheque_id, c.amount, {received} as received_on,
            case when c.returned_on is not null then {returned} end as returned_on
        from cheques c {clinics} where (c.held_from is null or c.released_at is not null) and {among}),
    several as materialized (select clinic_id, cheque_id from payments where returned_on is not null
        union select p.clinic_id, p.cheque_id from parts p join payments c using (clinic_id, cheque_id) where p.day <> c.received_on),
    events as (select clinic_id, cheque_id, received_on as day, 1 as came, 1 as here, amount as money, 0.00 as used, 0.00 as refunded,
            0.00 as owed
            from payments join several using (clinic_id, cheque_id)
        union all select clinic_id, cheque_id, returned_on, 0, -1, -amount, 0, 0, 0 from payments where returned_on is not null
        union all select clinic_id, cheque_id, day, 0, 0, 0, used, refunded, owed from parts join several using (clinic_id, cheque_id)),
    daily as (select clinic_id, cheque_id, day, sum(came) as came, sum(here) as here, sum(money) as money, sum(used) as used,
            sum(refunded) as refunded, sum(owed) as owed from events group by 1, 2, 3),
    running as (select cheque_id, sum(came) over w as came, sum(here) over w as is_there, sum(money) over w as money, sum(used) over w as used,
            sum(refunded) over w as refunded, sum(owed) over w as owed
        from daily window w as (partition by clinic_id, cheque_id order by day))
    select cheque_id as id from running
    where case when is_there > 0 then used + refunded - owed > money else used <> 0 or refunded < 0 or came = 0 and refunded > 0 end"""
_CLINICS = "join clinics k using (clinic_id)"
# That a row restored what its payment had taken back, or reversed such a row.
_RESTORED = """(x.amount > 0 and x.reversal_kind = 'returned' or x.amount < 0 and x.reversal_kind in ('moved', 'corrected')
    and exists (select from cheque_allocations u where (u.clinic_id, u.id) = (x.clinic_id, x.reverses_id)
        and u.reversal_kind = 'returned'))"""
_KNOWN = "({moment} at time zone k.time_zone)::date"


def _every_day(**days: str) -> str:
    """The query for payments of which more was used on some day than there was; `days` are expressions."""
    return _EVERY_DAY.format(clinics=_CLINICS, loss=LOSS_CODE, restored=_RESTORED, **days)


_RECORDED = _KNOWN.format(moment="x.recorded_at")
LAWS = (
    Law(
        "On each day, as it was known, a payment that is money is allocations, provider adjustments, refunds and unapplied money, and one "
        "that is none is nothing but refunds",
        "Cheque",
        _every_day(
            received=_KNOWN.format(moment="coalesce(c.released_at, c.recorded_at)"),
            returned=_KNOWN.format(moment="coalesce(c.returned_at, c.recorded_at)"),
            allocated=_RECORDED,
            refunded=_RECORDED,
            adjusted=_RECORDED,
            among="true",
        ),
    ),
    Law(
        "On each day, by the days on which it counts, a payment that is money is allocations, provider adjustments, refunds and unapplied "
        "money, and one that is none is nothing but refunds",
        "Cheque",
        _every_day(
            received="c.received_on",
            returned="c.returned_on",
            allocated="x.effective_on",
            refunded="x.refunded_on",
            adjusted="x.effective_on",
            # A payment that was typed wrong counts on no day.
            among="c.corrected_at is null",
        ),
    ),
    Law(
        "A refund is reversed once, by an equal and opposite row of the same payment, not before its day",
        "Refund",
        """select v.id from refunds v join refunds r on (r.clinic_id, r.id) = (v.clinic_id, v.reverses_id)
        where v.amount <> -r.amount or v.cheque_id <> r.cheque_id or r.reverses_id is not null""",
    ),
    Law(
        "A refund that is carried over was reversed for that, and is no more than it was",
        "Refund",
        """select n.carries_id as id from refunds n join refunds r on (r.clinic_id, r.id) = (n.clinic_id, n.carries_id)
        left join refunds v on (v.clinic_id, v.reverses_id) = (r.clinic_id, r.id)
        group by n.clinic_id, n.carries_id, r.amount
        having sum(n.amount) <> r.amount or bool_or(v.id is null or v.reversal_kind = 'returned')""",
    ),
    Law(
        "A provider adjustment counts on or after the receipt of its payment, and is reversed by an equal and opposite row of it",
        "ProviderAdjustment",
        """select p.id from provider_adjustments p join cheques c on (c.clinic_id, c.id) = (p.clinic_id, p.cheque_id)
        left join provider_adjustments r on (r.clinic_id, r.id) = (p.clinic_id, p.reverses_id)
        where p.effective_on < c.received_on or r.id is not null and (p.amount <> -r.amount or p.cheque_id <> r.cheque_id
            or p.effective_on < r.effective_on or r.reverses_id is not null)""",
    ),
    Law(
        "What was withheld of a refund is a row of a payment of the same payer, and no more than that row",
        "ProviderAdjustment",
        f"""select p.id from refunds r join provider_adjustments p on (p.clinic_id, p.id) = (r.clinic_id, r.provider_adjustment_id)
        join cheques c on (c.clinic_id, c.id) = (r.clinic_id, r.cheque_id)
        join cheques o on (o.clinic_id, o.id) = (p.clinic_id, p.cheque_id)
        group by p.clinic_id, p.id, p.amount having sum(r.amount) > p.amount
            or bool_or(not {are_one("payer", "c.payer_id", "o.payer_id", "c.clinic_id")})""",
    ),
    Law(
        "What of a recoupment request is answered is the sum of its answers, which are numbered from 1 without gaps",
        "RecoupmentRequest",
        """select r.id from recoupment_requests r left join (select clinic_id, request_id, sum(amount) as amount, count(*) as number,
            max(number) as last, min(number) as first from recoupment_answers group by 1, 2) a
            on (a.clinic_id, a.request_id) = (r.clinic_id, r.id)
        where r.answered_amount <> coalesce(a.amount, 0) or a.last <> a.number or a.first <> 1""",
    ),
    Law(
        "A recoupment request is refunded or withheld when all of it is answered, and otherwise as its last step left it",
        "RecoupmentRequest",
        """select r.id from recoupment_requests r left join lateral (select a.step, a.number from recoupment_answers a
            where (a.clinic_id, a.request_id) = (r.clinic_id, r.id)
            and a.step in ('appeal', 'appeal_refused', 'withdrawal') order by a.number desc limit 1) s on true
        where case when r.answered_amount = r.amount and s.step is distinct from 'withdrawal'
                then r.status not in ('refunded', 'withheld') when s.step = 'withdrawal' then r.status <> 'withdrawn'
                when r.status = 'appealed' then s.step is distinct from 'appeal'
                else r.status <> 'open' or s.step = 'appeal' and not exists (select from recoupment_answers a
                    where (a.clinic_id, a.request_id) = (r.clinic_id, r.id) and a.step = 'reopening' and a.number > s.number) end""",
    ),
    Law(
        "A recoupment request is answered by refunds and rows of its payer's payments, and is about such a payment",
        "RecoupmentRequest",
        f"""select r.id from recoupment_requests r left join cheques c on (c.clinic_id, c.id) = (r.clinic_id, r.cheque_id)
        left join recoupment_answers a on (a.clinic_id, a.request_id) = (r.clinic_id, r.id)
        left join refunds f on (f.clinic_id, f.id) = (a.clinic_id, a.refund_id)
        left join provider_adjustments p on (p.clinic_id, p.id) = (a.clinic_id, a.provider_adjustment_id)
        left join cheques o on (o.clinic_id, o.id) = (r.clinic_id, coalesce(f.cheque_id, p.cheque_id))
        where c.payer_id <> r.payer_id and not {are_one("payer", "c.payer_id", "r.payer_id", "r.clinic_id")}
            or o.payer_id <> r.payer_id and not {are_one("payer", "o.payer_id", "r.payer_id", "r.clinic_id")}""",
    ),
)
