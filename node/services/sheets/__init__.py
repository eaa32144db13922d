"""Ledgers 台账 out and in, task lists in."""
