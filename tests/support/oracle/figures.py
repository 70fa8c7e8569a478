"""The query of all figures of the reports."""

from typing import Any

from tests.support.client import Client

MEASURES = """invoiceCount billed received collectionRate { value numerator denominator }
    netCollectionRate { value numerator denominator } reductionRate { value numerator denominator }
    daysInAr { mean median invoiceCount } denialRate { value numerator denominator }"""
BUCKETS = "buckets { bucket risk fromDays toDays invoiceCount outstanding } invoiceCount outstanding"
PAYERS = f"{{ payer {{ id name }} {BUCKETS} medianDaysToPay }}"
ANALYTICS = f"""{{ {MEASURES} arDays arOver90 {{ value numerator denominator }}
    physicianProductivity {{ physician {{ id }} encounterCount examCount invoiceCount billed averageInvoice received }}
    agingByPayer {PAYERS}
    reductionsByPayer {{ payer {{ id }} invoiceCount reductionRate {{ value numerator denominator }} }}
    reductionsByAttorney {{ attorney {{ id }} invoiceCount reductionRate {{ value numerator denominator }} }}
    trend {{ month {MEASURES} }} }}"""
BASES = ("CREATED", "SUBMITTED", "SERVICE", "AGREED")
_AGINGS = " ".join(
    f"{basis.lower()}: aging(filter: $filter, asOf: $asOf, basis: {basis}) {{ asOf basis {BUCKETS} }}"
    for basis in BASES
)
EVERYTHING = f"""query ($filter: InvoiceFilter, $asOf: Date, $of: AnalyticsFilter!) {{
    {_AGINGS} agingByPayer(filter: $filter, asOf: $asOf) {PAYERS} analytics(filter: $of, asOf: $asOf) {ANALYTICS} }}"""


def figures(client: Client, period: tuple[str, str], as_of: str | None = None, **wanted: Any) -> dict[str, Any]:
    """Every figure of the invoices that match a filter."""
    of = {"from": period[0], "to": period[1], **wanted}
    variables = {"asOf": as_of} if as_of else {}
    found: dict[str, Any] = client.read(EVERYTHING, filter=wanted, of=of, **variables)
    return found


def shown(report: dict[str, Any]) -> list[tuple[int, str]]:
    """The count and the amount of each of a report's five buckets."""
    return [(bucket["invoiceCount"], bucket["outstanding"]) for bucket in report["buckets"]]
