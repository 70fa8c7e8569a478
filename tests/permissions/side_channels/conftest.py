"""The fixtures of the tests of side channels: subscriptions and their two servers."""

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
