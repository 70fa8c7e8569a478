"""The fixture of the tests of balance billing."""

import pytest

from tests.api.billing.coverages.bound import Bound, billed_under_health_insurance
from tests.support.api.scenarios import Clinic


@pytest.fixture
def bound(clinic: Clinic) -> Bound:
    """An invoice of a payer whose coverage forbids balance billing."""
    return billed_under_health_insurance(clinic)
