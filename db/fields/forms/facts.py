"""The SQL of the facts that forms of transitions show: bounds and defaults of inputs, and what an action needs.

Their names are used in domain/billing/effects/inputs.py and domain/billing/effects/form_needs.py. That they are what the effects accept is
proven by a test that tries them on every kind of invoice.
"""

from collections.abc import Callable

from sqlalchemy import Text, and_, case, cast, false, func, literal, literal_column, not_, null, or_, select, true

from db import tables
from db.fields.base import Expression, same_clinic, there_is
from db.fields.forms.choices import first_unapplied, left_for_payer, paying_cheques, unapplied_cheques, waiting_claims
from db.fields.forms.standing_adjustments import standing_adjustment, standing_amount
from db.global_ids import id_expression
from db.row import Row
from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus

_CENT: Expression = literal_column("0.01")
_ZERO: Expression = literal_column("0.00")


def _word(text: str) -> Expression:
    return literal(text, Text(), literal_execute=True)


def _of_round(i: Row) -> Expression:
    """What the present payer has paid."""
    return i.received_amount - i.earlier_received_amount


def _open_part(i: Row) -> Expression:
    return i.billed_amount - i.contractual_amount - i.earlier_received_amount


def _unpaid(i: Row) -> Expression:
    return i.billed_amount - i.contractual_amount - i.received_amount


def _offer_least(i: Row) -> Expression:
    return func.greatest(_CENT, _of_round(i))


def _agreement_least(i: Row) -> Expression:
    """Nothing can be agreed upon after earlier receipts alone; below the floor only by an administrator."""
    least = case((i.earlier_received_amount > 0, _ZERO), else_=_CENT)
    # The floor may have been set when more was open. `greatest` ignores what is null.
    floors = [] if i.scope.role is Role.ADMIN else [_floor(i)]
    return func.greatest(least, _of_round(i), *floors)


def _floor(i: Row) -> Expression:
    return case((i.floor_amount.is_not(None), func.least(i.floor_amount, _open_part(i))), else_=null())


def _open_offer(i: Row) -> Expression:
    o = i.scope.row(tables.reduction_offers)
    mine = and_(same_clinic(i, o), o.invoice_id == i.id, o.status == _word("open"))
    return select(o.amount).select_from(o.source).where(mine).limit(literal_column("1")).scalar_subquery()


def _agreeable_offer(i: Row) -> Expression:
    offer = _open_offer(i)
    return case((offer.between(_agreement_least(i), _open_part(i)), offer), else_=null())


def _transferable_from(i: Row) -> Expression:
    a = i.scope.row(tables.agreements)
    decided = (
        select(func.max(func.coalesce(a.ended_on, a.agreed_on)))
        .select_from(a.source)
        .where(same_clinic(i, a), a.invoice_id == i.id)
        .scalar_subquery()
    )
    return func.greatest(i.responsible_since, i.created_on, decided)


def _other_payer(i: Row) -> Expression:
    """Another payer of the invoice: one who owed it before, or else the patient."""
    r, p = i.scope.row(tables.responsibilities), i.scope.row(tables.payers)
    before = (
        select(r.stored("payer_id"))
        .select_from(r.source)
        .where(same_clinic(i, r), r.invoice_id == i.id, not_(r.refers("payer_id", i.payer_id)))
        .order_by(r.number.desc())
        .limit(literal_column("1"))
        .scalar_subquery()
    )
    patient = (
        select(p.id)
        .select_from(p.source)
        .where(same_clinic(i, p), p.kind == _word("patient"), p.refers("patient_id", i.patient_id), p.id != i.payer_id)
        .order_by(p.id)
        .limit(literal_column("1"))
        .scalar_subquery()
    )
    return func.coalesce(before, patient)


def _paying_payer(i: Row) -> Expression:
    return case((left_for_payer(i) > 0, i.payer_id), (_unpaid(i) > 0, _other_payer(i)), else_=null())


def _payable_amount(i: Row) -> Expression:
    return case((left_for_payer(i) > 0, left_for_payer(i)), (_unpaid(i) > 0, _unpaid(i)), else_=null())


def _last_coverage(i: Row) -> Expression:
    r = i.scope.row(tables.responsibilities)
    mine = select(r.coverage_id).select_from(r.source).where(same_clinic(i, r), r.invoice_id == i.id)
    return mine.order_by(r.number.desc()).limit(literal_column("1")).scalar_subquery()


def _forbids_balance_billing(i: Row) -> Expression:
    """That the present payer owes under a coverage that forbids to bill somebody else what it leaves, as FORBIDS_BALANCE_BILLING."""
    v, a = i.scope.row(tables.coverages), i.scope.row(tables.cheque_allocations)
    paid_under = there_is(a, and_(same_clinic(i, a), a.invoice_id == i.id, a.coverage_id == v.id))
    last = _last_coverage(i)
    owes_under = or_(v.id == last, and_(v.refers("payer_id", i.payer_id), or_(last.is_(None), paid_under)))
    of_case = and_(same_clinic(i, v), v.case_id == i.case_id, v.balance_billing == _word("forbidden"))
    return there_is(v, and_(of_case, owes_under))


def _patient_amount(i: Row) -> Expression:
    """What the patient is responsible for by the last remittance of the present payer; null without one."""
    c, p = i.scope.row(tables.remittance_claims), i.scope.row(tables.remittance_payments)
    posted = and_(same_clinic(i, c), c.invoice_id == i.id, c.posted_at.is_not(None))
    of_payer = and_(same_clinic(i, p), p.id == c.payment_id, p.refers("payer_id", i.payer_id))
    amount = case((c.status == _word("matched"), c.responsible_amount), else_=null())
    found = select(amount).select_from(c.source.join(p.source, of_payer)).where(posted)
    return found.order_by(c.id.desc()).limit(literal_column("1")).scalar_subquery()


def _is_patients(i: Row) -> Expression:
    """That what would move is what the patient is responsible for, by the last remittance."""
    return func.coalesce(_unpaid(i) - i.small_balance_amount <= _patient_amount(i), false())


def _overrides(i: Row) -> Expression:
    """That a transfer overrides what the coverage forbids: without a remittance, the reason says that the patient owes it."""
    remitted = _patient_amount(i).is_not(None)
    return and_(_forbids_balance_billing(i), remitted, not_(_is_patients(i)))


def _balance_may_move(i: Row) -> Expression:
    return true() if i.scope.role is Role.ADMIN else not_(_overrides(i))


def _transfer_reason(i: Row) -> Expression:
    is_unknown = and_(_forbids_balance_billing(i), _patient_amount(i).is_(None))
    return case((is_unknown, _word("DEDUCTIBLE")), else_=_word("OTHER"))


def _agreement_runs(i: Row) -> Expression:
    return and_(i.agreed_amount.is_not(None), i.conditional_until.is_not(None))


def _adjustment_most(i: Row) -> Expression:
    """The largest amount to take off; of a written-off invoice, something stays that is written off."""
    is_written_off = i.status == _word(InvoiceStatus.WRITTEN_OFF.value)
    most = case((is_written_off, _unpaid(i) - _CENT), else_=_unpaid(i))
    return case((most > 0, most), else_=literal_column("-0.01"))


def _taken_back(i: Row, read: Callable[[Row], Expression]) -> Expression:
    """A column of the last contractual adjustment that stands, where nothing is left but to take it back."""
    return case((_adjustment_most(i) < 0, standing_adjustment(i, read)), else_=null())


# Name → the fact of an invoice.
FORM_FACTS: dict[str, Callable[[Row], Expression]] = {
    "always": lambda i: true(),
    "today": lambda i: i.scope.today,
    "cent": lambda i: _CENT,
    "created_on": lambda i: i.created_on,
    "open_part": _open_part,
    "below_open_part": lambda i: _open_part(i) - _CENT,
    "submittable_from": lambda i: func.greatest(i.created_on, i.responsible_since),
    "by_email": lambda i: _word("EMAIL"),
    "on_paper": lambda i: _word("PAPER"),
    "offer_least": _offer_least,
    "offer_possible": lambda i: _offer_least(i) <= _open_part(i),
    "something_to_reduce": lambda i: _offer_least(i) < _open_part(i),
    "agreement_least": _agreement_least,
    "agreement_possible": lambda i: _agreement_least(i) <= _open_part(i),
    "offer_that_may_be_agreed": _agreeable_offer,
    "no_offer_that_may_be_agreed": lambda i: _agreeable_offer(i).is_(None),
    "denial_from": lambda i: case((i.replaces_id.is_(None), i.first_submitted_on), else_=null()),
    "adjustment_most": _adjustment_most,
    "adjustment_least": lambda i: -standing_amount(i),
    "adjustment_possible": lambda i: or_(_adjustment_most(i) > 0, standing_amount(i).is_not(None)),
    "group_of_adjustment": lambda i: func.coalesce(
        _taken_back(i, lambda a: func.upper(a.adjustment_group)), _word("CO")
    ),
    "reason_of_adjustment": lambda i: _taken_back(i, lambda a: a.reason_code),
    "line_of_adjustment": lambda i: _taken_back(i, lambda a: id_expression("InvoiceLine", a.line_id)),
    "only_taken_back_of_a_line": lambda i: func.coalesce(_taken_back(i, lambda a: a.line_id).is_not(None), false()),
    "paying_payer": lambda i: id_expression("Payer", _paying_payer(i)),
    "payable_amount": _payable_amount,
    "unapplied_and_payable": lambda i: func.least(_payable_amount(i), first_unapplied(i)),
    "payer_with_something_left": lambda i: _paying_payer(i).is_not(None),
    "unapplied_cheque": lambda i: unapplied_cheques(i).exists(),
    "waiting_remittance": lambda i: waiting_claims(i).exists(),
    "paying_cheque": lambda i: paying_cheques(i).exists(),
    "returnable_cheque": lambda i: paying_cheques(i, is_returnable=True).exists(),
    "balance_may_move": _balance_may_move,
    "override_is_explained": _overrides,
    "transfer_reason": _transfer_reason,
    "transferable_from": _transferable_from,
    "agreement_runs": _agreement_runs,
}


def spelled(name: str, i: Row) -> Expression:
    """A fact as the API spells it."""
    return cast(FORM_FACTS[name](i), Text)
