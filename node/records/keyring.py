"""The keyring: which key speaks for which office, under which path, as certified from the root down.

Rules: the root key is pinned by its fingerprint (= the federation); every other key is certified by a record of its
parent, whose own path must be the head of the child's; a keyring only grows; it never looks at a clock (revocation
adds a state, later). A header is acceptable only under a key whose certificate path matches the line parent by parent.
"""

from __future__ import annotations

from typing import NamedTuple

from node.errors import PeerError
from node.records import payload as payloads
from node.records.chain import check_signature
from node.records.envelope import Record
from node.records.header import Header
from node.records.kinds import Kind
from node.records.line import CODE, Line, parent_by_code
from node.records.suite import Suites, Verify, key_id_of

POSSESSION_PREFIX = b"dulian-enrol-1\0"


class Key(NamedTuple):
    """A certified key of an office; ``path`` is root … office, ``record_id`` the certificate."""

    code: str
    name: str
    path: tuple[str, ...]
    key_id: bytes
    suite: int
    raw_key: bytes
    verify: Verify
    record_id: bytes
    level: str
    link_ca_sha256: bytes
    certified: tuple[int, int] = (0, 0)  # hybrid clock of the certificate: the newer one of an office counts


def possession_message(federation: bytes, code: str, parent: str, suite: int, raw_key: bytes) -> bytes:
    """What a new key signs to prove that its holder asked for this certificate: length-prefixed fields (4 bytes)."""
    fields = (federation, code.encode(), parent.encode(), suite.to_bytes(4, "big"), raw_key)
    return POSSESSION_PREFIX + b"".join(len(field).to_bytes(4, "big") + field for field in fields)


class Keyring:
    """All certified keys this node knows."""

    def __init__(self, suites: Suites, federation: bytes) -> None:
        """Start with nothing but the pinned fingerprint of the root key (32 bytes)."""
        self.suites = suites
        self.federation = federation
        self._by_key_id: dict[bytes, tuple[Key, ...]] = {}
        self._current: dict[str, Key] = {}
        self.contested: dict[str, tuple[str, ...]] = {}  # office certified under several parents: these

    def current(self, code: str) -> Key | None:
        """The newest key certified for an office, or None."""
        return self._current.get(code)

    def certified(self, record: Record) -> Key | None:
        """The key in force of the office that a CERTIFICATE record, not yet checked, is about."""
        try:
            return self._current.get(self._read(record).code)
        except PeerError:
            return None

    def offices(self) -> dict[str, Key]:
        """Newest key by office code."""
        return dict(self._current)

    def children(self, code: str) -> list[str]:
        """Codes of the offices certified as direct children of ``code``, sorted."""
        return sorted(key.code for key in self._current.values() if key.path[-2:-1] == (code,))

    def chain(self, code: str) -> list[Key]:
        """Keys root … code; empty where one is missing."""
        key = self._current.get(code)
        if key is None:
            return []
        found = [self._current.get(step) for step in key.path]
        return [step for step in found if step] if all(found) else []

    def authorise(self, header: Header) -> Key:
        """Return the key that may have signed this header.

        Raises PeerError: foreign_federation, unknown_key (perhaps not yet), wrong_path.
        """
        if header.federation != self.federation:
            raise PeerError("不是本联通体系的记录", code="foreign_federation", evidence=header.federation)
        keys = self._by_key_id.get(header.key_id)
        if not keys:
            raise PeerError("签名密钥未经认证", code="unknown_key", detail=f"no certified key of {header.author}")
        for key in keys:
            if key.code == header.author and key.suite == header.suite and _above_matches(key.path, header.line):
                return key
        detail = f"author {header.author} {header.line.path}"
        raise PeerError("签名密钥与知悉范围不符", code="wrong_path", detail=detail)

    def certificates(self) -> frozenset[bytes]:
        """Ids of the CERTIFICATE records learned."""
        return frozenset(key.record_id for keys in self._by_key_id.values() for key in keys)

    def knows(self, key_id: bytes) -> bool:
        """Whether the key with this id is certified, for whatever office."""
        return key_id in self._by_key_id

    def key(self, key_id: bytes, code: str) -> Key | None:
        """The key with this id certified for this office."""
        return next((key for key in self._by_key_id.get(key_id, ()) if key.code == code), None)

    def learn(self, record: Record) -> Key:
        """Take in a CERTIFICATE record after checking it whole; returns the key it certifies.

        Raises PeerError: bad_certificate, bad_key, bad_signature, unknown_key, wrong_path, unknown_suite.
        """
        certificate = self._read(record)
        header = record.header
        path = certificate.path
        is_root = len(path) == 1
        suite = self.suites.get(certificate.suite)
        suite.check_key(certificate.raw_key)
        key_id = key_id_of(suite, certificate.raw_key)
        verify = suite.verifier(certificate.raw_key)
        parent = "" if is_root else header.author
        proof = possession_message(self.federation, certificate.code, parent, certificate.suite, certificate.raw_key)
        if not verify(certificate.possession, proof):
            raise _bad(record, "possession of the key is not proved")
        if is_root:
            if key_id != self.federation or header.author != certificate.code or header.key_id != key_id:
                raise _bad(record, "root certificate does not fit the pinned fingerprint")
            check_signature(record, verify)
        else:
            above = self.authorise(header)
            check_signature(record, above.verify)
            shared = (*above.path, certificate.code)
            path = shared if shared == path else path  # in words that all children of an office have in common
        key = Key(
            certificate.code, certificate.name, path, key_id, certificate.suite, certificate.raw_key, verify,
            record.record_id, certificate.level, certificate.link_ca_sha256,
            (header.hlc_ms, header.hlc_count),
        )  # fmt: skip
        known = self._by_key_id.get(key_id, ())
        if all(old.record_id != key.record_id for old in known):
            self._by_key_id[key_id] = (*known, key)
        old = self._current.get(key.code)
        if old is not None and old.path != key.path:
            self.contested[key.code] = tuple(sorted({*self.contested.get(key.code, ()), old.path[-2], key.path[-2]}))
        newer = old is not None and old.path == key.path and key.certified >= old.certified
        if old is None or newer or (old.path != key.path and _rank(key) < _rank(old)):
            self._current[key.code] = key
        return key

    def _read(self, record: Record) -> payloads.Certificate:
        header = record.header
        if header.kind != Kind.CERTIFICATE or record.envelope.payload is None:
            raise _bad(record, "not a certificate")
        certificate = payloads.decode(header.kind, record.envelope.payload)
        if not isinstance(certificate, payloads.Certificate):
            raise _bad(record, "not a certificate")
        if header.federation != self.federation:
            raise PeerError("不是本联通体系的证书", code="foreign_federation", evidence=record.envelope.header)
        path = certificate.path
        if not all(CODE.match(code) for code in path) or len(set(path)) != len(path):
            raise _bad(record, "malformed path")
        own = path if len(path) == 1 else path[:-1]
        if header.line != Line(own, subtree=True) or header.author != own[-1]:
            raise _bad(record, "a parent certifies its direct children on its own line, nobody else's")
        return certificate


def _rank(key: Key) -> tuple[int, bool]:
    """Which of two places of one office counts. Who certifies another's office as its own child diverts nothing.

    The word of the higher parent counts, then that of the parent the code itself names; between equals the first.
    """
    return len(key.path), key.path[-2:-1] != (parent_by_code(key.code),)


def _above_matches(key_path: tuple[str, ...], line: Line) -> bool:
    """Whether the line's codes down to the author stand at the end of the author's certified path."""
    upto = line.path[: line.path.index(key_path[-1]) + 1]
    return key_path[-len(upto) :] == upto


def _bad(record: Record, detail: str) -> PeerError:
    return PeerError("证书不可采信", code="bad_certificate", evidence=record.envelope.header, detail=detail)
