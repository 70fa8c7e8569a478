"""The access rules (permissions): each with its name, its roles and its description."""

from dataclasses import dataclass

from domain.access.people import Role

ADMIN, BILLING, PHYSICIAN, ATTORNEY, ANALYST = Role
STAFF = frozenset({ADMIN, BILLING})
SIGNED_IN = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Rule:
    """A permission: the roles that see the fields which name this rule, and its description `words`.

    `anybody` includes anonymous callers; `by_token` includes requests with an API token.
    """

    name: str
    roles: frozenset[Role]
    words: str
    anybody: bool = False
    by_token: bool = True

    def allows(self, role: Role | None) -> bool:
        """Whether a viewer of this role (None: an anonymous caller) has this permission."""
        return self.anybody if role is None else role in self.roles


_ALL = (
    Rule("public", SIGNED_IN, "Signing in and reading the current user: every caller, signed in or not", anybody=True),
    Rule("signed_in", SIGNED_IN, "Every signed-in user, limited to the rows in reach"),
    Rule(
        "oneself",
        SIGNED_IN,
        "The user's own password and sessions: every signed-in user, but no API token, which is read-only",
        by_token=False,
    ),
    Rule(
        "existence", SIGNED_IN, "Every role sees which records exist, their status and billed amount, within its reach"
    ),
    Rule("parties", SIGNED_IN, "Every role sees the id and name of the payer, physician and facility on its invoices"),
    Rule(
        "identity",
        SIGNED_IN - {ANALYST},
        "Who the patient is: every role but analysts, whose data set contains no names of patients",
    ),
    Rule("contact", STAFF | {PHYSICIAN}, "Birth date, contact data and record number: billing staff and physicians"),
    Rule("ledger", STAFF | {ANALYST}, "Agreed and received amounts: billing staff, and analysts as bare amounts"),
    Rule("aging", STAFF | {ANALYST}, "Age and risk of open invoices: billing staff and analysts"),
    Rule(
        "figures",
        STAFF | {ANALYST},
        "Totals and ratios over many invoices: billing staff, and analysts by whole months",
    ),
    Rule(
        "productivity",
        STAFF | {PHYSICIAN, ANALYST},
        "What physicians did and billed: billing staff and analysts, and physicians for their own work",
    ),
    Rule("records", STAFF, "Submissions, coverages, cheques and denials: billing staff only"),
    Rule(
        "delivered",
        STAFF | {ATTORNEY},
        "Issued documents: billing staff, and attorneys those that were delivered to their law firm, of cases that they represent now",
    ),
    Rule("negotiation", STAFF, "Notes, offers, limits, reminders, messages and holds: billing staff only"),
    Rule("workflow", STAFF, "Possible transitions, past transitions and their users: billing staff only"),
    Rule("pricing", STAFF, "How a price was calculated: billing staff only"),
    Rule("staff", STAFF, "Everything else in billing work: billing staff only"),
    Rule(
        "case_reading",
        SIGNED_IN - {ANALYST},
        "Cases and patients: billing staff, the treating physicians and the representing attorney",
    ),
    Rule("representation", STAFF | {ATTORNEY}, "Whether a case is open: billing staff, and the representing attorney"),
    Rule(
        "treatment",
        STAFF | {PHYSICIAN},
        "Exams, visits and their total price: billing staff, and physicians for their own patients",
    ),
    Rule("master_reading", STAFF | {ANALYST}, "Lists of payers, physicians, facilities and codes: staff and analysts"),
    Rule("administration", frozenset({ADMIN}), "Users, tokens and the audit log: administrators only"),
)
RULES = {rule.name: rule for rule in _ALL}
