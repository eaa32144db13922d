"""Trust at run time: the keyring filled from stored certificates, this office's chain, children's TLS certificates."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import replace

from node.errors import PeerError
from node.records.envelope import Envelope, from_bytes, open_envelope, to_bytes
from node.records.keyring import Keyring
from node.records.kinds import Kind
from node.services.exchange.logs import Logs
from node.storage.port import Fork, Meta, Reader, Store, TlsCert

_CHAIN_META = "chain"
_UNUSED_TLS_MAX = 4  # certificates of one child that it was given and has not used yet
_PAGE = 1_000
_PAGE_BYTES = 4_194_304


def save_chain(store: Store, chain: Sequence[Envelope]) -> None:
    """Keep the certificates root … self, which a node needs before any log has come in."""
    store.put([Meta(_CHAIN_META, b"".join(_framed(to_bytes(envelope)) for envelope in chain))])


def load_chain(store: Reader) -> list[Envelope]:
    """The certificates kept by `save_chain`."""
    saved = store.get(Meta, _CHAIN_META)
    found = []
    raw = saved.value if saved else b""
    while raw:
        size = int.from_bytes(raw[:4], "big")
        found.append(from_bytes(raw[4 : 4 + size]))
        raw = raw[4 + size :]
    return found


def fill_keyring(keyring: Keyring, store: Store, logs: Logs) -> None:
    """Learn this office's chain and every stored certificate, ancestors first.

    Raises PeerError where the own chain does not hold; a stored certificate that does not hold has no effect.
    """
    for envelope in load_chain(store):
        keyring.learn(open_envelope(keyring.suites, envelope))
    learn_stored(keyring, store, logs)


def learn_stored(keyring: Keyring, store: Store, logs: Logs) -> None:
    """Learn the stored certificates that the keyring does not hold, ancestors first.

    At the start, and again when one was put back: those certified below it could not be believed without it.
    """
    known = keyring.certificates()
    office_logs = [log for log in logs.index if log.key.line.subtree]
    for log in sorted(office_logs, key=lambda log: (len(log.key.line.path), log.key.epoch)):
        after = 0
        while rows := store.run(log.log_no, after, _PAGE, _PAGE_BYTES):
            for row in rows:
                if row.record_id not in known:
                    _learn(keyring, Envelope(row.header, row.signature, row.salt, row.payload))
            after = rows[-1].seq
    for fork in store.rows(Fork):
        if fork.record_id not in known:
            _learn(keyring, Envelope(fork.header, fork.signature, fork.salt, fork.payload))


def _learn(keyring: Keyring, envelope: Envelope) -> None:
    with contextlib.suppress(PeerError):
        # Kept without effect when it came in (an alarm said so), the same now; or damaged on the disk since: the node
        # serves the rest, `services.mending.scrub` finds it and it is learned when it has been put back.
        record = open_envelope(keyring.suites, envelope)
        if record.header.kind == Kind.CERTIFICATE:
            keyring.learn(record)


class Trust:
    """This office's chain and the TLS certificates it has issued."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        """Read the issued TLS certificates."""
        self._store = store
        self._keyring = keyring
        self._tls = {row.sha256: row for row in store.rows(TlsCert)}
        self._lost: dict[bytes, TlsCert] = {}  # issued in a time this node lost; not proved yet

    def chain_envelopes(self, code: str) -> list[Envelope]:
        """Certificates root … this office."""
        del code
        return load_chain(self._store)

    def chain_hash(self, code: str) -> bytes:
        """Hash over the ids of the certificates root … ``code``."""
        return hashlib.sha256(b"".join(key.record_id for key in self._keyring.chain(code))).digest()

    def issued(self, office: str, sha256: bytes, expires_ms: int) -> None:
        """A TLS certificate was issued to a child: it and the one in use both work until this one was used."""
        unused = [row for row in self._tls.values() if row.office == office and not row.used_ms]
        unused.sort(key=lambda row: row.expires_ms)
        # Answers may be lost, so that some wait; whoever asks again and again and uses none fills no table: the oldest
        # goes. The one that is asked over is in use (`Enrolment.renew`).
        for old in unused[: max(0, len(unused) + 1 - _UNUSED_TLS_MAX)]:
            self._forget(old)
        row = TlsCert(office, sha256, expires_ms, 0)
        self._tls[sha256] = row
        self._store.put([row])

    def tls_owner(self, sha256: bytes, now_ms: int) -> str:
        """The child a TLS certificate was issued to; PeerError(channel | tls_expired) where it may not be used."""
        row = self._tls.get(sha256)
        if row is None:
            raise PeerError("通道证书不是本单位签发，或已被新证书替代", code="channel")
        if now_ms >= row.expires_ms:
            raise PeerError("通道证书已过期", code="tls_expired")
        return row.office

    def may_take_back(self, office: str, sha256: bytes, expires_ms: int) -> bool:
        """Whether a certificate issued in a time this node lost is newer than any known of that child.

        Called in the loop's thread. It counts as known from `tls_used` on: its holder has proved the record key then.
        """
        newer = all(row.expires_ms < expires_ms for row in list(self._tls.values()) if row.office == office)
        if newer:
            self._lost[sha256] = TlsCert(office, sha256, expires_ms, 0)
        return newer

    def drop_tls(self, office: str) -> None:
        """A new machine speaks for this child: what the old one holds opens no channel any more."""
        for row in [row for row in self._tls.values() if row.office == office]:
            self._forget(row)

    def tls_expires_ms(self, sha256: bytes) -> int:
        """When an issued TLS certificate ends; 0 where it is not one of ours."""
        row = self._tls.get(sha256)
        return row.expires_ms if row else 0

    def tls_used(self, office: str, sha256: bytes, now_ms: int) -> None:
        """A child spoke over this certificate: its older ones end here."""
        used = self._tls.get(sha256) or self._lost.pop(sha256, None)
        if used is None or used.used_ms:
            return
        self._tls[sha256] = replace(used, used_ms=now_ms)
        self._store.put([self._tls[sha256]])
        for row in list(self._tls.values()):
            if row.office == office and row.sha256 != sha256 and row.expires_ms <= used.expires_ms:
                self._forget(row)

    def _forget(self, row: TlsCert) -> None:
        del self._tls[row.sha256]
        self._store.delete(TlsCert, row.office, row.sha256)


def _framed(raw: bytes) -> bytes:
    return len(raw).to_bytes(4, "big") + raw
