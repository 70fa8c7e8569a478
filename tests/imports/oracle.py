"""What a Synthea export says of money: an opinion that shares no code with the import."""

import csv
from decimal import Decimal
from pathlib import Path


def oracle(folder: Path) -> tuple[int, Decimal, Decimal]:
    """How many invoices the files make, and what they bill and pay."""

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
