"""The fixtures of the server tests: subscriptions and their two servers."""

from tests.support.subscriptions import (
    invoice_pool,
    last,
    listen,
    listening_url,
    received,
    servers,
    sync_invoice,
    writing_url,
)

__all__ = ["invoice_pool", "last", "listen", "listening_url", "received", "servers", "sync_invoice", "writing_url"]
