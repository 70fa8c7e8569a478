"""Remittances of payers, and their laws."""
