"""The columns that the pricing role reads: prices of one clinic, also for users who may see only the total."""

# Table → columns. From them a quote is calculated for a physician, who sees only its total, and a visit that could not be
# billed is refused.
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
    # A schedule of a merged payer is one of the payer that stays.
    "merged_payers": ("clinic_id", "id", "survivor_id", "group_ids"),
}
