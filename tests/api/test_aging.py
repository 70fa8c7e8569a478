"""Decides that the figures of a day are the specification's, to the cent, today and as of any day that has passed."""

import contextlib
from domain.people import Role


def test_x(sign_in) -> None:
    with contextlib.nullcontext(sign_in(Role.BILLING)) as client:
        print(client.ask("{ aging { asOf basis invoiceCount outstanding buckets { bucket risk fromDays toDays invoiceCount outstanding } } }"))
        print(client.ask('{ aging(asOf: "2026-03-30", basis: SUBMITTED, filter: {denied: false, search: "a", onHold: false, hasDueReminder: false}) { asOf basis invoiceCount outstanding buckets { invoiceCount outstanding } } }'))
        print(client.ask('{ agingByPayer { payer { name } invoiceCount outstanding medianDaysToPay buckets { invoiceCount } } }'))
        m = "invoiceCount billed received collectionRate { value numerator denominator } netCollectionRate { value } reductionRate { value numerator denominator } daysInAr { mean median invoiceCount } denialRate { value numerator denominator }"
        print(client.ask('{ analytics(filter: {from: "2026-01-01", to: "2026-06-30"}) { ' + m + ' arDays arOver90 { value numerator denominator } trend { month ' + m + ' } physicianProductivity { physician { name } encounterCount examCount invoiceCount billed averageInvoice received } reductionsByPayer { payer { name } invoiceCount reductionRate { value } } reductionsByAttorney { attorney { name } reductionRate { value } } agingByPayer { outstanding } } }'))
        print(client.ask('{ analytics(filter: {from: "2026-01-01", to: "2026-06-30"}, asOf: "2026-05-01") { ' + m + ' arDays arOver90 { value numerator denominator } trend { month ' + m + ' } physicianProductivity { physician { name } encounterCount examCount invoiceCount billed averageInvoice received } } }'))
        print(client.ask('{ analytics(filter: {from: "2026-07-01", to: "2026-06-30"}, asOf: "2026-05-01") { billed } }'))
        print(client.ask('{ aging(asOf: "2027-05-01") { outstanding } }'))
    with contextlib.nullcontext(sign_in(Role.ANALYST)) as client:
        print(client.ask('{ agingByPayer { payer { name } outstanding medianDaysToPay } analytics(filter: {from: "2026-01-01", to: "2026-06-30"}, asOf: "2026-05-01") { ' + m + ' physicianProductivity { physician { name } encounterCount examCount received } } }'))
    with contextlib.nullcontext(sign_in(Role.PHYSICIAN)) as client:
        print(client.ask('{ analytics(filter: {from: "2026-01-01", to: "2026-06-30"}, asOf: "2026-05-01") { physicianProductivity { physician { name } encounterCount examCount billed } } }'))
