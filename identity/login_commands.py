"""All commands on logins and accounts, which one server process shares."""

from datetime import timedelta

from db.pools import Database
from domain.access.one_time_links import PURPOSE
from domain.access.secret_keys import SecretKeys
from domain.clock import Clock, now
from identity.credentials import Credentials
from identity.invitations import Invitations
from identity.memberships import Memberships
from identity.own_account import OwnAccount
from identity.passwords import Passwords
from identity.reset_links import ResetLinks
from identity.second_factor import SecondFactors
from identity.sessions import Sessions, SessionTimes
from identity.sign_in import SignIns


class LoginCommands:
    """Signing in, one's own account, memberships, invitations and one-time links."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        keys: SecretKeys,
        *,
        passwords: Passwords | None = None,
        times: SessionTimes | None = None,
        clock: Clock = now,
        sends_mail: bool = False,
    ) -> None:
        """`sends_mail`: one-time links are sent by mail, and never shown to the administrator who asked for them."""
        credentials, factors = Credentials(database, keys, passwords=passwords, clock=clock), SecondFactors(keys)
        self.link_key, self.sends_mail = keys.newest(PURPOSE), sends_mail
        self.longest_api_token: timedelta = (times or SessionTimes()).api_token
        self.forget = sessions.forget
        self.sign_ins = SignIns(credentials, sessions, factors)
        self.own = OwnAccount(database, sessions.forget, credentials, factors, times)
        self.memberships = Memberships(database, credentials, sessions, factors)
        self.invitations = Invitations(credentials, factors, keys.every(PURPOSE))
        self.reset_links = ResetLinks(credentials, factors, keys.every(PURPOSE))
