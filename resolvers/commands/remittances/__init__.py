"""Commands of remittances: importing, matching, posting, and recording from paper."""
