"""Tests of coverages over HTTP."""
