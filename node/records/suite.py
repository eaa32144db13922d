"""Signature suites: a hash and a signature scheme under one number, named by the certificate.

Rules: the allow-list is the `Suites` value handed in at composition, never a default; a key that is not canonical or of
small order is refused when it is certified (libraries differ on such keys); private keys never pass through here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from node.errors import PeerError

Verify = Callable[[bytes, bytes], bool]  # (signature, message) -> holds


class Suite(Protocol):
    """A hash and a signature scheme."""

    @property
    def number(self) -> int:
        """The number in headers."""
        ...

    @property
    def name(self) -> str:
        """For people."""
        ...

    def hash(self, data: bytes) -> bytes:
        """32-byte hash of ``data``."""
        ...

    def check_key(self, raw_key: bytes) -> None:
        """Raise PeerError(code=bad_key) unless the raw public key is canonical and safe."""
        ...

    def verifier(self, raw_key: bytes) -> Verify:
        """Return a function checking signatures under ``raw_key`` (the key was checked before)."""
        ...


class Signer(Protocol):
    """Holds a private key and signs with it."""

    @property
    def suite(self) -> Suite:
        """The suite signed under."""
        ...

    @property
    def raw_key(self) -> bytes:
        """The raw public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Raw signature of ``message``."""
        ...


# The points of order 1, 2, 4, 8 and their non-canonical encodings, sign bit cleared (RFC 8032 5.1; libsodium's list).
_SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)
_P25519 = 2**255 - 19
_RAW_KEY_BYTES = 32
_SIGNATURE_BYTES = 64


class Ed25519Sha256:
    """Suite 1: Ed25519 (RFC 8032) with SHA-256."""

    number = 1
    name = "Ed25519+SHA-256"

    def hash(self, data: bytes) -> bytes:
        """SHA-256."""
        return hashlib.sha256(data).digest()

    def check_key(self, raw_key: bytes) -> None:
        """Raise PeerError(bad_key) unless 32 bytes, canonical, not of small order."""
        if len(raw_key) != _RAW_KEY_BYTES:
            raise PeerError("公钥长度不对", code="bad_key", detail="ed25519 key is not 32 bytes")
        y = raw_key[:31] + bytes([raw_key[31] & 0x7F])
        if y in _SMALL_ORDER or int.from_bytes(y, "little") >= _P25519:
            raise PeerError("公钥不安全", code="bad_key", detail="ed25519 key of small order or not canonical")
        Ed25519PublicKey.from_public_bytes(raw_key)

    def verifier(self, raw_key: bytes) -> Verify:
        """Return a checker bound to the key."""
        # The library's key is made for each check (2 of some 120 microseconds): kept, it is larger than a certificate.
        return partial(_verify, raw_key)


def _verify(raw_key: bytes, signature: bytes, message: bytes) -> bool:
    if len(signature) != _SIGNATURE_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(raw_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


class Ed25519Signer:
    """Signs under suite 1 with a private key held in memory."""

    def __init__(self, suite: Suite, private: Ed25519PrivateKey) -> None:
        """Bind the key."""
        self._suite = suite
        self._private = private
        self._raw_key = private.public_key().public_bytes_raw()

    @property
    def suite(self) -> Suite:
        """Suite 1."""
        return self._suite

    @property
    def raw_key(self) -> bytes:
        """32 bytes."""
        return self._raw_key

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(message)


class Suites:
    """The allow-list of suites of this node (faults.md P7)."""

    def __init__(self, suites: Iterable[Suite]) -> None:
        """Index by number."""
        self._by_number = {suite.number: suite for suite in suites}

    def get(self, number: int) -> Suite:
        """Return the suite; PeerError(unknown_suite) where it is not allowed here."""
        suite = self._by_number.get(number)
        if suite is None:
            raise PeerError("签名算法不在允许之列", code="unknown_suite", detail=f"suite {number} is not allowed")
        return suite


def key_id_of(suite: Suite, raw_key: bytes) -> bytes:
    """Key id = H(suite number as u32 big-endian ‖ raw key); the root's is the federation's fingerprint."""
    return suite.hash(suite.number.to_bytes(4, "big") + raw_key)
