"""Hooks of schemathesis, which runs in its own environment: how it generates the API's scalars (valid values, ids that exist, others)."""

import json
import os

import schemathesis  # type: ignore[import-not-found]
from hypothesis import strategies as st
from schemathesis.graphql import nodes  # type: ignore[import-not-found]

_IDS = json.loads(os.environ.get("ATTACKS_IDS", "[]")) or ["x"]
_AMOUNTS = st.decimals("-1000000", "1000000", places=2).map(str) | st.sampled_from(["0.00", "NaN", "1.005", "1e3", ""])
_DAYS = st.dates().map(str) | st.sampled_from(["2026-06-01", "2026-02-30", "10000-01-01", ""])
_MOMENTS = st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.sampled_from(["2026-06-01T10:00:00", ""])

schemathesis.graphql.scalar("ID", (st.sampled_from(_IDS) | st.text(max_size=30)).map(nodes.String))
schemathesis.graphql.scalar("Money", _AMOUNTS.map(nodes.String))
schemathesis.graphql.scalar("Date", _DAYS.map(nodes.String))
schemathesis.graphql.scalar("DateTime", _MOMENTS.map(nodes.String))
