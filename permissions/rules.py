"""Decides who may see what: one row for each row of the access table, named, with its roles and its reason in words."""

from dataclasses import dataclass

from domain.people import Role

ADMIN, BILLING, PHYSICIAN, ATTORNEY, ANALYST = Role
STAFF = frozenset({ADMIN, BILLING})
SIGNED_IN = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Rule:
    """Who sees the fields that name this rule, and why, in the words of the clinic.

    `anybody` includes a caller without a token; `by_token` whoever is represented by a token for programs.
    """

    name: str
    roles: frozenset[Role]
    words: str
    anybody: bool = False
    by_token: bool = True

    def allows(self, role: Role | None) -> bool:
        """Whether a viewer of this role (None: nobody is signed in) may see what the rule guards."""
        return self.anybody if role is None else role in self.roles


_ALL = (
    Rule("public", SIGNED_IN, "Signing in and knowing who one is belong to everybody", anybody=True),
    Rule("signed_in", SIGNED_IN, "Whoever is signed in may ask; the rows in reach decide what is answered"),
    Rule(
        "oneself",
        SIGNED_IN,
        "Whoever signs in looks after the own password and sign-ins; a token for programs, which only reads, does not",
        by_token=False,
    ),
    Rule(
        "existence", SIGNED_IN, "Every role sees which records exist, their status and billed amount, within its reach"
    ),
    Rule("parties", SIGNED_IN, "Every role sees the id and name of the payer, physician and facility on its invoices"),
    Rule("identity", SIGNED_IN - {ANALYST}, "Who the patient is: everybody but analysts, whose data set names nobody"),
    Rule("contact", STAFF | {PHYSICIAN}, "Birth date, contact data and record number: the clinic's own people"),
    Rule("ledger", STAFF | {ANALYST}, "Agreed and received amounts: billing staff, and analysts as bare amounts"),
    Rule("aging", STAFF | {ANALYST}, "Age and risk of what is open: billing staff and analysts"),
    Rule("figures", STAFF | {ANALYST}, "Totals and ratios over many invoices: billing staff and analysts"),
    Rule(
        "productivity",
        STAFF | {PHYSICIAN, ANALYST},
        "What physicians did and billed: billing staff and analysts, and physicians of their own work",
    ),
    Rule("records", STAFF, "Submissions, cheques and denials: billing staff alone"),
    Rule("negotiation", STAFF, "Notes, offers, limits, reminders, messages and holds: billing staff alone"),
    Rule("workflow", STAFF, "What can be done next, what was done and by whom: billing staff alone"),
    Rule("pricing", STAFF, "How a price came about: billing staff alone"),
    Rule("staff", STAFF, "Nothing opens this to others: billing staff alone"),
    Rule(
        "case_reading",
        SIGNED_IN - {ANALYST},
        "Cases and patients are read by staff, by who treats and by who represents",
    ),
    Rule(
        "treatment",
        STAFF | {PHYSICIAN},
        "Exams, visits and what they would cost in all: billing staff, and physicians for their own patients",
    ),
    Rule("master_reading", STAFF | {ANALYST}, "Lists of payers, physicians, facilities and codes: staff and analysts"),
    Rule("administration", frozenset({ADMIN}), "Users, tokens and the audit trail: administrators alone"),
)
RULES = {rule.name: rule for rule in _ALL}
