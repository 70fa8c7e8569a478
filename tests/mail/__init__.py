"""Tests of reminder e-mails to payers, with a real SMTP server that records messages and answers with errors on request."""
