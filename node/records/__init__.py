"""Signed records: kinds, lines, headers, payloads, envelopes, chains, keys. Pure; format: docs/record-format.md."""
