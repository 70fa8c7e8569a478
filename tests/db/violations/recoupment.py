"""Violations of the laws of refunds that come back, provider adjustments and recoupment, and of the equation of each day."""

_SHARED = """select c.id from cheques c join cheque_allocations a on a.cheque_id = c.id where returned_on is null
    group by c.id having count(*) > 1 order by c.id limit 1"""
_REFUNDED = "select cheque_id as id from refunds order by id limit 1"
_PAID_BACK = "select r.id from refunds r join cheques c on c.id = r.cheque_id where c.number = 'ADVANCE-2'"
_BOUNCED = "select c.id from cheques c join cheque_allocations a on a.cheque_id = c.id where a.amount < 0 order by c.id limit 1"
_REMITTED = "select cheque_id as id from provider_adjustments"
_ADJUSTED = "select id from provider_adjustments"
_ASKED = "select id from recoupment_requests where status = 'refunded'"
_ASKED_AGAIN = "select id from recoupment_requests where status = 'open'"

# The rule, the query for the record that is to break it ($ in the statement), and the statement that breaks it.
RECOUPMENT = [
    ("On each day, as", _SHARED, """update cheque_allocations set recorded_at = recorded_at - interval '400 days'
     where id = (select id from cheque_allocations where cheque_id = $ limit 1)"""),
    ("On each day, as", _BOUNCED, "update cheques set returned_at = returned_at - interval '1 day' where id = $"),
    ("On each day, as", _REMITTED, """update provider_adjustments set recorded_at = recorded_at - interval '1 day'
     where cheque_id = $"""),
    ("On each day, as", _REFUNDED, "update refunds set amount = 1000 where cheque_id = $ and amount > 0"),
    ("On each day, by", _SHARED, """update cheque_allocations set effective_on = effective_on - 400
     where id = (select id from cheque_allocations where cheque_id = $ limit 1)"""),
    ("On each day, by", _BOUNCED, "update cheques set returned_on = returned_on - 1 where id = $"),
    ("On each day, by", _REMITTED, "update provider_adjustments set effective_on = effective_on - 1 where cheque_id = $"),
    ("On each day, by", _REFUNDED, "update refunds set refunded_on = '2001-01-01' where cheque_id = $ and amount > 0"),
    # The payment's own sum is right, and so is that of the last day: a day between is not.
    ("On each day, by", _REMITTED, """insert into refunds (clinic_id, id, cheque_id, amount, payee, reason, refunded_on, method, reverses_id)
     select clinic_id, case when amount > 0 then '00000000-0000-0000-0000-000000000001'::uuid else gen_random_uuid() end, id, amount, 'a',
     'a', received_on + place, 'ach', case when amount < 0 then '00000000-0000-0000-0000-000000000001'::uuid end
     from (select clinic_id, id, received_on from cheques where id = $) c, (values (0, 200.01), (1, -200.01)) v (place, amount)"""),
    ("A refund is reversed", "select id from refunds where amount < 0 order by id limit 1",
     "update refunds set amount = amount + 0.01 where id = $"),
    ("A refund that is carried", _PAID_BACK, """insert into refunds (clinic_id, id, cheque_id, amount, payee, reason, refunded_on, method,
     carries_id) select clinic_id, gen_random_uuid(), cheque_id, amount, payee, reason, refunded_on, method, id from refunds where id = $"""),
    ("A refund does not come back", "select reverses_id as id from refunds where amount < 0 order by id limit 1",
     "update refunds set refunded_on = '2001-01-01' where reverses_id = $"),
    ("A provider adjustment", _ADJUSTED, "update provider_adjustments set effective_on = effective_on - 1 where id = $"),
    ("A provider adjustment", _ADJUSTED, "update provider_adjustments set reverses_id = id where id = $"),
    ("What was withheld", _ADJUSTED, """update refunds set provider_adjustment_id = $ where id = (
     select id from refunds where amount > 50 order by id limit 1)"""),
    ("What of a recoupment", _ASKED, "update recoupment_requests set answered_amount = answered_amount - 0.01 where id = $"),
    ("What of a recoupment", _ASKED, "update recoupment_answers set number = number + 1 where request_id = $"),
    ("What of a recoupment", _ASKED, "delete from recoupment_answers where request_id = $"),
    ("A recoupment request is refunded", _ASKED, "update recoupment_requests set status = 'open' where id = $"),
    ("A recoupment request is refunded", _ASKED_AGAIN, "update recoupment_requests set status = 'withdrawn' where id = $"),
    ("A recoupment request is refunded", _ASKED_AGAIN, "update recoupment_requests set status = 'appealed' where id = $"),
    ("A recoupment request is answered by", _ASKED, """update recoupment_requests set payer_id = (select p.id from payers p
     where p.id <> payer_id limit 1) where id = $"""),
    ("A recoupment request is not due", _ASKED, "update recoupment_requests set due_on = requested_on - 1 where id = $"),
    ("A recoupment request is not answered", _ASKED, "update recoupment_answers set answered_on = '2001-01-01' where request_id = $"),
]  # fmt: skip
