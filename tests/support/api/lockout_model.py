"""The expected counts of failed sign-ins to an e-mail with accounts in two clinics, kept in memory."""

from collections import Counter
from dataclasses import dataclass, field

from tests.support.databases import PASSWORD
from tests.support.other_clinic import OTHER

A, B = "demo", OTHER
ONE = "one login for both clinics"
PASSWORDS = {A: PASSWORD, B: "another clinic's password"}


@dataclass
class Model:
    """Failures by the login to which they belong."""

    # The login for all clinics: that of a clinic, or ONE for both clinics.
    shared: str | None
    is_b_open: bool = True
    failed: Counter[str | None] = field(default_factory=Counter)

    def login_of(self, clinic: str | None) -> str | None:
        """The login that an attempt means."""
        return clinic if clinic in PASSWORDS and self.shared != ONE else self.shared

    def accounts_of(self, login: str | None) -> set[str]:
        """The clinics of the active accounts of a login."""
        return {clinic for clinic in PASSWORDS if login in (clinic, ONE) and (clinic == A or self.is_b_open)}

    def attempt(self, clinic: str | None, right_for: str | None) -> tuple[bool, bool]:
        """Whether the password is verified, and whether the attempt signs in."""
        if self.failed.total() >= 10:
            return False, False
        login = self.login_of(clinic)
        accounts = self.accounts_of(login)
        if not accounts or right_for != (A if login == ONE else login):
            self.failed[login] += 1
            return True, False
        # A clinic that is missing or has no account is no failure of those who know the password, and no success.
        is_in = len(accounts) == 1 if clinic is None else clinic in accounts
        if is_in:
            self.failed.pop(login, None)
        return True, is_in
