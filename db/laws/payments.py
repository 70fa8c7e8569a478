"""The laws of payments: their days, deposits, replacements and refunds, their numbers, and the equation of all money received."""

from db.laws.base import Law
from db.laws.cheques import OWED
from db.merged_records import are_one
from db.tables.payments.cheques import IS_MONEY

# The day of the clinic on which the receipt of a payment was recorded.
_RECORDED_ON = "(coalesce(c.released_at, c.recorded_at) at time zone k.time_zone)::date"
# Two payments of a payer by one method that were not returned and have one number; an unknown bank equals every bank.
_SAME_NUMBER = """from cheques c join cheques o on (o.clinic_id, o.payer_id, o.method, o.number_key)
        = (c.clinic_id, c.payer_id, c.method, c.number_key) and o.id < c.id
        and (o.bank_key is null or c.bank_key is null or o.bank_key = c.bank_key)
    where c.returned_on is null and o.returned_on is null and c.method <> 'cash'"""

LAWS = (
    Law(
        "A payment is used for its allocations, reversals included, and its refunds, less its provider adjustments",
        "Cheque",
        """select c.id from cheques c where c.applied_amount <> (select coalesce(sum(a.amount), 0) from cheque_allocations a
            where (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id)) + (select coalesce(sum(r.amount), 0) from refunds r
            where (r.clinic_id, r.cheque_id) = (c.clinic_id, c.id)) - (select coalesce(sum(p.amount), 0)
            from provider_adjustments p where (p.clinic_id, p.cheque_id) = (c.clinic_id, c.id))""",
    ),
    Law(
        "Payments that are money, less those returned, are the allocations, the unapplied money and the refunds of their payer, "
        "less its provider adjustments",
        "Payer",
        """select paid.payer_id as id from (select clinic_id, payer_id, coalesce(sum(amount)
                filter (where held_from is null or released_at is not null), 0) - coalesce(sum(amount)
                filter (where returned_on is not null and (held_from is null or released_at is not null)), 0) as money,
            sum(unapplied_amount) as unapplied from cheques group by 1, 2) paid
        left join (select c.clinic_id, c.payer_id, sum(u.amount) as amount from cheques c join (
            select clinic_id, cheque_id, amount from cheque_allocations
            union all select clinic_id, cheque_id, amount from refunds
            union all select clinic_id, cheque_id, -amount from provider_adjustments) u on (u.clinic_id, u.cheque_id) = (c.clinic_id, c.id)
            group by 1, 2) used on (used.clinic_id, used.payer_id) = (paid.clinic_id, paid.payer_id)
        where paid.money <> coalesce(used.amount, 0) + paid.unapplied""",
    ),
    Law(
        "Only a payment that was returned after its refund, or that took money back of one which was returned, has negative unapplied money",
        "Cheque",
        f"""select c.id from cheques c where unapplied_amount < 0 and returned_on is null and -unapplied_amount > (select
            coalesce(sum(x.amount), 0) from cheque_allocations x where (x.clinic_id, x.cheque_id) = (c.clinic_id, c.id) and {OWED})""",
    ),
    Law(
        "A held cheque is no money: it pays nothing, and is neither cleared nor refunded",
        "Cheque",
        """select c.id from cheques c where held_from is not null and released_at is null and (cleared_on is not null
            or exists (select from cheque_allocations a where (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id))
            or exists (select from refunds r where (r.clinic_id, r.cheque_id) = (c.clinic_id, c.id))
            or exists (select from provider_adjustments p where (p.clinic_id, p.cheque_id) = (c.clinic_id, c.id)))""",
    ),
    Law(
        "A payment is received on or after its date unless it is held, and not after the day on which that was recorded",
        "Cheque",
        f"""select c.id from cheques c join clinics k on k.clinic_id = c.clinic_id
        where not c.is_post_dated and c.received_on < c.cheque_date and (c.held_from is null or c.released_at is not null)
        or c.received_on > {_RECORDED_ON}""",
    ),
    Law(
        "A payment is deposited, cleared and returned on or after its receipt, and a released one was received on its deposit",
        "Cheque",
        f"""select c.id from cheques c left join deposits d on (d.clinic_id, d.id) = (c.clinic_id, c.deposit_id)
        where d.deposited_on < c.received_on or c.cleared_on < coalesce(d.deposited_on, c.received_on)
        or c.returned_on < c.received_on or c.released_at is not null and c.received_on is distinct from d.deposited_on
        or c.deposit_id is not null and c.returned_on is null and not ({IS_MONEY})""",
    ),
    Law(
        "A payment replaces one of its payer that was returned before its receipt",
        "Cheque",
        f"""select c.id from cheques c join cheques o on (o.clinic_id, o.id) = (c.clinic_id, c.replaces_id)
        where not {are_one("payer", "o.payer_id", "c.payer_id", "c.clinic_id")} or o.returned_on is null or o.returned_on > c.received_on""",
    ),
    Law(
        "A refund is not before the receipt of its payment",
        "Refund",
        """select r.id from refunds r join cheques c on (c.clinic_id, c.id) = (r.clinic_id, r.cheque_id)
        where r.refunded_on < c.received_on""",
    ),
    Law(
        "No two payments of a payer that were not returned have the same method, number and bank",
        "Cheque",
        f"select c.id {_SAME_NUMBER} and not c.is_duplicate and not o.is_duplicate",
    ),
)
# What earlier releases stored although it breaks a law of today, marked by the migration.
EXCEPTIONS = (
    Law(
        "Cheques with the number of another one of their payer",
        "Cheque",
        "select id from cheques where is_duplicate and returned_on is null",
    ),
    Law("Cheques received before the day written on them", "Cheque", "select id from cheques where is_post_dated"),
)
