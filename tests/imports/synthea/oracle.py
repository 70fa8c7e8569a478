"""The test oracle for a Synthea export: its sums of money, computed without any code of the import."""

import csv
from decimal import Decimal
from pathlib import Path


def oracle(folder: Path) -> tuple[int, Decimal, Decimal]:
    """The number of invoices in the files, and the amounts that they bill and pay."""

    def rows(name: str) -> list[dict[str, str]]:
        with (folder / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    billed = paid = Decimal(0)
    if not (folder / "claims_transactions.csv").exists():
        for encounter in rows("encounters.csv"):
            billed += Decimal(encounter["BASE_ENCOUNTER_COST"])
        for procedure in rows("procedures.csv"):
            billed += Decimal(procedure["BASE_COST"])
        return len(rows("encounters.csv")), billed, paid
    for row in rows("claims_transactions.csv"):
        if row["TYPE"] == "CHARGE":
            billed += Decimal(row["UNITS"]) * Decimal(row["UNITAMOUNT"])
        elif row["TYPE"] == "PAYMENT":
            paid += Decimal(row["PAYMENTS"])
    return len(rows("claims.csv")), billed, paid
