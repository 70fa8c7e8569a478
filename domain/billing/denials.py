"""The life of a denial: its statuses, and which step leads from which status to which."""

from enum import StrEnum


class DenialStatus(StrEnum):
    """What has become of a denial."""

    OPEN = "open"
    APPEALED = "appealed"
    # The payer still refuses after an appeal.
    UPHELD = "upheld"
    # The payer pays all of it after all.
    OVERTURNED = "overturned"
    # The payer pays a part of it after all.
    PARTIAL = "partial"
    # Nothing more will be done about it, and the payer has decided nothing.
    CLOSED = "closed"


class DenialOutcome(StrEnum):
    """How a denial is closed."""

    UPHELD = "upheld"
    OVERTURNED = "overturned"
    PARTIAL = "partial"
    CLOSED = "closed"


# With these the payer pays something after all.
RECOVERS = (DenialStatus.OVERTURNED, DenialStatus.PARTIAL)
