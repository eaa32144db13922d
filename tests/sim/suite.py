"""A suite for the simulator only: a hash in place of a signature, a hundred times cheaper than Ed25519.

Whoever knows the public key could forge; in the simulator nobody does but the liars, and they sign with wrong keys. It
is on no allow-list outside the tests.
"""

from __future__ import annotations

from hashlib import blake2b, sha256

from node.errors import PeerError
from node.records.suite import Suite, Verify


class CheapSuite:
    """Suite 65000: SHA-256, and a keyed BLAKE2b instead of a signature."""

    number = 65_000
    name = "simulator"

    def hash(self, data: bytes) -> bytes:
        return sha256(data).digest()

    def check_key(self, raw_key: bytes) -> None:
        if len(raw_key) != 32:
            raise PeerError("公钥长度不对", code="bad_key")

    def verifier(self, raw_key: bytes) -> Verify:
        return lambda signature, message: signature == blake2b(message, key=raw_key, digest_size=32).digest()


class CheapSigner:
    """Signs under suite 65000."""

    def __init__(self, suite: Suite, seed: bytes) -> None:
        self._suite = suite
        self._raw_key = sha256(seed).digest()

    @property
    def suite(self) -> Suite:
        return self._suite

    @property
    def raw_key(self) -> bytes:
        return self._raw_key

    def sign(self, message: bytes) -> bytes:
        return blake2b(message, key=self._raw_key, digest_size=32).digest()
