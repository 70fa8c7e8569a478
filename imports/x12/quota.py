"""How many records a file may have, so that what is read of it stays bounded."""

from dataclasses import dataclass, field

from imports.sheets import SheetError

MOST_PAYMENTS = 5_000
MOST_CLAIMS = 20_000
MOST_LINES = 100_000
MOST_ADJUSTMENTS = 250_000
# Of a claim; X12 has the same bound.
MOST_LINES_OF_CLAIM = 999
_MOST = {
    "transaction sets": MOST_PAYMENTS,
    "claims": MOST_CLAIMS,
    "lines": MOST_LINES,
    "adjustments and remark codes": MOST_ADJUSTMENTS,
}


@dataclass(slots=True)
class Quota:
    """What a file has had so far."""

    used: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_MOST, 0))

    def use(self, what: str, segment: int, count: int = 1) -> None:
        """Count records of a kind; SheetError beyond the limit."""
        self.used[what] += count
        if self.used[what] > _MOST[what]:
            reason = f"A file has at most {_MOST[what]:,} {what}: ask the payer for several files; the rest is not read"
            raise SheetError(reason, segment)
