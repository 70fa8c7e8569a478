"""What the law of a state says about the notice and the release of a provider's lien, as data: to be reviewed by counsel, no legal advice."""

from dataclasses import dataclass
from datetime import date

from domain.documents.letters import LienRule as PrintedRule
from domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class LienRule:
    """A state's rule: the words that stand in a notice and in a release, where the rule is found, and when it was last reviewed."""

    state: str
    notice: str
    release: str
    source: str
    reviewed_on: date

    @property
    def printed(self) -> tuple[PrintedRule, ...]:
        """The rule as a notice prints it."""
        return (PrintedRule(f"Lien in {self.state}", self.notice, self.source, self.reviewed_on),)


_REVIEWED = date(2026, 11, 30)
_RELEASE = "The lien under {0} is released for the invoices named above. Nothing further is claimed from the settlement for them."
LIEN_RULES = {
    rule.state: rule
    for rule in (
        LienRule(
            "GA",
            "This lien is claimed under O.C.G.A. 44-14-470 and following. Notice is sent by first-class and by certified mail, return "
            "receipt requested, to the patient, the persons claimed to be liable and their insurers, before the lien is filed with the "
            "clerk of the superior court.",
            _RELEASE.format("O.C.G.A. 44-14-470 and following"),
            "O.C.G.A. 44-14-470, 44-14-471",
            _REVIEWED,
        ),
        LienRule(
            "IL",
            "This lien is claimed under the Health Care Services Lien Act. The notice is served by registered or certified mail, or in "
            "person, on the patient and on the party against whom the claim exists.",
            _RELEASE.format("the Health Care Services Lien Act"),
            "770 ILCS 23/10",
            _REVIEWED,
        ),
        LienRule(
            "NC",
            "This lien is claimed under G.S. 44-49 and 44-50. An itemized statement is furnished to the attorney on request, without "
            "charge.",
            _RELEASE.format("G.S. 44-49 and 44-50"),
            "G.S. 44-49, 44-50",
            _REVIEWED,
        ),
        LienRule(
            "WA",
            "This lien is claimed under RCW 60.44. The claim is recorded with the auditor of the county in which the services were "
            "performed, before the settlement is paid.",
            _RELEASE.format("RCW 60.44"),
            "RCW 60.44.010, 60.44.020",
            _REVIEWED,
        ),
    )
}


def lien_rule(state: str | None) -> LienRule:
    """The rule of a state, which the user chooses: it is never inferred."""
    rule = LIEN_RULES.get((state or "").upper())
    if rule is None:
        known = ", ".join(sorted(LIEN_RULES))
        raise InvalidInput(f"A lien follows the rules of a state: {known} are known here", ("state",))
    return rule
