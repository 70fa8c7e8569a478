"""Decides what is read to price something for somebody who may know the total alone: prices of one clinic, and nothing else."""

# Table → columns. With them a quote is worked out for a physician, who is told nothing but what it comes to, and a visit is
# refused that could not be billed.
PRICING: dict[str, tuple[str, ...]] = {
    "cpt_codes": (
        "clinic_id",
        "id",
        "code",
        "label",
        "base_price",
        "bilateral_policy",
        "active",
        "valid_from",
        "valid_to",
    ),
    "exam_types": ("clinic_id", "id", "parent_id", "name", "code", "selection_rule", "active"),
    "facilities": ("clinic_id", "id", "geographic_factor"),
    "fee_schedule_rates": ("clinic_id", "fee_schedule_id", "code", "rate"),
    "fee_schedules": ("clinic_id", "id", "name", "payer_id", "facility_id", "valid_from", "valid_to"),
    "payers": ("clinic_id", "id"),
}
