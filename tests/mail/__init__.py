"""Tests of messages to payers: a real SMTP server takes them, and misbehaves where it is told to."""
