"""Plain SQL as the database's owner, who reads all rows."""

from typing import Any
from uuid import UUID

from server.database_urls import DatabaseUrls
from tests.support.databases import TODAY, rows

# The type of each list of the API, except invoices.
LISTED = {
    "cases": "Case",
    "payers": "Payer",
    "cptCodes": "CptCode",
    "patients": "Patient",
    "attorneys": "Attorney",
    "physicians": "Physician",
    "facilities": "Facility",
}


class Sql:
    """Queries as the database's owner, with TODAY as :today."""

    def __init__(self, address: DatabaseUrls) -> None:
        self.address = address

    def column(self, query: str, *values: Any) -> list[Any]:
        return [row[0] for row in rows(self.address, query.replace(":today", f"date '{TODAY}'"), *values)]

    def numbers(self, where: str, *values: Any) -> set[str]:
        """The numbers of the invoices that a condition finds."""
        return set(self.column(f"select number from invoices i where {where}", *values))

    def most_used(self, column: str, count: int = 1) -> list[UUID]:
        """The values of a column of invoices that most of them have."""
        return self.column(
            f"select {column} from invoices where {column} is not null group by 1 order by count(*) desc, 1 limit {count}"
        )
