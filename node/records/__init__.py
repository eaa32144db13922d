"""Signed records: kinds, lines, headers and payloads, envelopes, chains, keys. Pure; the format is docs/record-format.md."""
