"""Enrolment at the parent: invitations, nodes that ask to be admitted, approval, renewal of TLS certificates.

Rules: an invitation is for one code, once, until it expires; the secret is not kept (only the public key derived from
it); a node is admitted by comparing fingerprints, or by the invitation alone where that was asked for; the certificate
is a signed record of this office; the same keys may ask again and get the same answer (a lost answer harms nothing).
A child comes back (`recover`) only by an invitation made for that: with its own key for a new TLS certificate, or with
a new key, which is flagged at every superior until somebody there has compared the fingerprint.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import NamedTuple

from node.clock import iso
from node.errors import InputError, NotFoundError, PeerError
from node.records import notes
from node.records.envelope import Envelope
from node.records.header import decode as decode_header
from node.records.keyring import Key, Keyring, possession_message
from node.records.kinds import Kind
from node.records.line import CODE, level_of
from node.records.payload import Certificate, check_line
from node.records.suite import key_id_of
from node.services.care.alarms import Alarms
from node.services.exchange.author import Author
from node.services.exchange.trust import Trust, load_chain
from node.services.identity import Identity, World
from node.storage.port import Invite, Meta, Peer, Pending, Store
from node.wire import credentials
from node.wire.invitation import Invitation, encode_token
from node.wire.messages import JoinReply, JoinRequest, JoinState, read_join_request, write_join_request

_NAME_CHARS_MAX = 100
NEW_KEY = "new_key"  # an alarm
_RECOVER_META = "recover:"  # + code → number of its newest invitation if that is for `recover`, else 0


class LinkCa(NamedTuple):
    """This office's link CA; ``tls_lifetime_ms`` is the life of the certificates it gives to children."""

    key_pem: bytes
    certificate: bytes
    tls_lifetime_ms: int


class Enrolment:
    """Admits children."""

    def __init__(
        self, identity: Identity, world: World, store: Store, keyring: Keyring, author: Author, trust: Trust,
        alarms: Alarms, ca: LinkCa, address: str,
    ) -> None:  # fmt: skip
        """``address`` is host:port where children reach this node."""
        self._identity = identity
        self._world = world
        self._store = store
        self._keyring = keyring
        self._author = author
        self._trust = trust
        self._alarms = alarms
        self._ca = ca
        self._address = address

    def client_roots(self) -> list[bytes]:
        """X.509 DER certificates accepted as roots of client certificates now: the link CA and open invitations."""
        now_ms = self._world.clock.now_ms()
        return [self._ca.certificate, *(i.certificate for i in self._store.rows(Invite) if i.expires_ms > now_ms)]

    def invite(self, code: str, name: str, ttl_ms: int, *, auto_approve: bool, recover: bool = False) -> str:
        """Give out a one-time token for a child; the code was checked against the directory by the caller.

        ``recover``: for a child that lost its node or its channel (or that this office lost, with a ``name``).
        Raises InputError: malformed code or name, already a child, lifetime out of range.
        """
        if not CODE.match(code):
            raise InputError("不是单位代码", field="CODE", value=code, remedy="写6位或9位数字，部门再加 -名称")
        known = self._keyring.current(code)
        if recover and known is not None:
            name = name or known.name
        if not name.strip():
            raise InputError("单位名称不能为空", field="--name", remedy="填写单位全称")
        check_line(name, "--name", _NAME_CHARS_MAX)
        mine = known is not None and known.path == (*self._identity.path, code)
        if mine and not recover:
            remedy = f"节点丢失、换机或通道证书过期时，执行 dulian invite {code} --recover"
            raise InputError("该单位已经入网", field="CODE", value=code, remedy=remedy)
        self._author.check_may_write()
        now_ms = self._world.clock.now_ms()
        secret = self._world.entropy(32)
        key_pem = credentials.enrolment_key(secret)
        expires_ms = now_ms + ttl_ms
        number = max((row.invite_no for row in self._store.rows(Invite)), default=0) + 1
        # A newer invitation for the same office replaces an older one that was not used.
        for row in self._store.rows(Invite, code=code):
            if not row.used_ms:
                self._store.delete(Invite, row.invite_no)
        self._store.put([
            Invite(number, code, name, credentials.public_key_der(key_pem),
                   credentials.enrolment_certificate(key_pem, code, expires_ms, now_ms), expires_ms, auto_approve, 0),
            Meta(_RECOVER_META + code, b"%d" % (number if recover else 0)),
        ])  # fmt: skip
        return encode_token(
            Invitation(code, name, self._identity.path, self._address, self._identity.federation,
                       self._ca.certificate, secret, expires_ms, recover)
        )  # fmt: skip

    def join(self, request: JoinRequest, client_certificate: bytes) -> JoinReply:
        """A node presents its keys over a channel that proves the invitation's secret."""
        now_ms = self._world.clock.now_ms()
        known = self._store.get(Pending, request.code)
        invite = self._invite_of(client_certificate, request.code)
        if invite is None or invite.expires_ms <= now_ms:
            return JoinReply(JoinState.REFUSED, "邀请令牌无效、已用过或已过期，请上级重新邀请")
        fingerprint = self._check_request(request)
        current, recover = self._keyring.current(request.code), self._is_recovery(invite)
        if invite.used_ms and (known is None or known.fingerprint != fingerprint):
            text = f"{request.code} 的邀请令牌被另一台机器再次使用，已拒绝；请查明令牌是否外泄，批准时务必核对指纹"
            if known is None or known.state != "admitted":  # afterwards nothing is left that it could get
                self._alarms.raise_("enrol", request.code, text)
            else:
                self._alarms.keep_evidence(request.code, "enrol", text, write_join_request(request))
            return JoinReply(JoinState.REFUSED, "邀请令牌已被使用过，请上级重新邀请")
        if known is not None and known.fingerprint == fingerprint and known.state == "admitted":
            if not recover or read_join_request(known.request).tls_public_key == request.tls_public_key:
                return self._admitted_reply(known)
        elif current is not None and current.path[-2:-1] == (self._identity.code,) and not recover:
            remedy = f"节点丢失的，请上级执行 dulian invite {request.code} --recover，本机执行 dulian recover 令牌"
            return JoinReply(JoinState.REFUSED, f"该单位已经入网，不能再次 join；{remedy}")
        self._store.put([replace(invite, used_ms=invite.used_ms or now_ms)])
        fresh = known is None or known.fingerprint != fingerprint or known.state != "waiting"
        if fresh or (recover and known is not None and known.request != write_join_request(request)):
            known = Pending(request.code, write_join_request(request), fingerprint, "waiting", now_ms, b"")
            self._store.put([known])
        assert known is not None  # noqa: S101 - put above
        same_key = recover and current is not None and current.key_id == fingerprint
        if invite.auto_approve or same_key:
            self._admit(known, invite.name)
            return self._admitted_reply(self._store.get(Pending, request.code) or known)
        text = f"{invite.name}申请入网，请电话核对指纹后执行 dulian approve {request.code}"
        self._alarms.raise_("pending", request.code, text)
        return JoinReply(JoinState.PENDING, "已收到申请，待上级核对指纹后批准")

    def tick(self) -> None:
        """A request, or a token used twice, is an alarm until the invitation expires: then nothing can come of it."""
        now_ms = self._world.clock.now_ms()
        for alarm in self._alarms.standing():
            if alarm.code in ("pending", "enrol"):
                invites = self._store.rows(Invite, code=alarm.subject)
                if all(invite.expires_ms <= now_ms for invite in invites):
                    self._alarms.clear(alarm.code, alarm.subject)

    def pending(self) -> list[dict[str, object]]:
        """Nodes that wait to be admitted, and new keys that nobody here has compared yet."""
        flagged = {alarm.subject: alarm.since_ms for alarm in self._alarms.standing() if alarm.code == NEW_KEY}
        keys = [(key, flagged[code]) for code in sorted(flagged) if (key := self._keyring.current(code)) is not None]
        names = {row.code: row.name for row in self._store.rows(Invite)}
        found: list[dict[str, object]] = [
            {
                "code": row.code, "name": names.get(row.code, ""), "fingerprint": row.fingerprint.hex(),
                "since": iso(row.at_ms),
            }
            for row in self._store.rows(Pending, state="waiting")
        ]
        return found + [
            {"code": key.code, "name": key.name, "fingerprint": key.key_id.hex(), "since": iso(since_ms)}
            for key, since_ms in keys
        ]

    def approve(self, code: str, fingerprint_hex: str) -> dict[str, object]:
        """Admit a waiting node whose fingerprint the operator has compared.

        Raises NotFoundError, InputError (the fingerprint differs; the invitation has expired meanwhile).
        """
        row = self._store.get(Pending, code)
        if row is None or row.state != "waiting":
            if any(alarm.code == NEW_KEY and alarm.subject == code for alarm in self._alarms.standing()):
                return self._confirm(code, fingerprint_hex)
            raise NotFoundError("没有待批准的入网申请", field="CODE", value=code, remedy="用 dulian pending 查看")
        _compare(fingerprint_hex, row.fingerprint)
        invites = self._store.rows(Invite, code=code)
        if not invites or invites[-1].expires_ms <= self._world.clock.now_ms():
            # Its node could not come for the answer any more, and a second invitation would be refused.
            remedy = f"重新执行 dulian invite {code}，请对方用新令牌在新目录 join"
            raise InputError("邀请已过期，不能再批准", code="expired", field="CODE", value=code, remedy=remedy)
        self._admit(row, invites[-1].name)
        self._alarms.clear(NEW_KEY, code)  # compared just now
        return {"code": code, "name": invites[-1].name, "fingerprint": row.fingerprint.hex(), "state": "admitted"}

    def _confirm(self, code: str, fingerprint_hex: str) -> dict[str, object]:
        """The operator of a superior has compared the fingerprint of a key that was not countersigned."""
        key = self._keyring.current(code)
        assert key is not None  # noqa: S101 - the alarm is about it
        _compare(fingerprint_hex, key.key_id)
        self._alarms.clear(NEW_KEY, code)
        return {"code": code, "name": key.name, "fingerprint": key.key_id.hex(), "state": "confirmed"}

    def _is_recovery(self, invite: Invite) -> bool:
        saved = self._store.get(Meta, _RECOVER_META + invite.code)
        return saved is not None and int(saved.value) == invite.invite_no

    def renew(self, note: notes.Signed, client_certificate: bytes) -> bytes:
        """A child asks for a new TLS certificate over its present one; PeerError where it may not."""
        now_ms = self._world.clock.now_ms()
        asked_over = credentials.tls_sha256(client_certificate)
        owner = self._trust.tls_owner(asked_over, now_ms)
        renewal = notes.open_renewal(self._keyring, note)
        if renewal.office != owner:
            raise PeerError("续期申请与通道不符", code="wrong_office", evidence=note.body)
        # It holds this one: however many answers are lost from now on, this one goes on working.
        self._trust.tls_used(owner, asked_over, now_ms)
        return self._issue(owner, renewal.tls_public_key)

    def _invite_of(self, client_certificate: bytes, code: str) -> Invite | None:
        for row in self._store.rows(Invite, code=code):
            if credentials.is_issued_by(client_certificate, row.certificate):
                return row
        return None

    def _check_request(self, request: JoinRequest) -> bytes:
        """Check proofs of possession; returns the fingerprint of the record key. Raises PeerError."""
        suite = self._keyring.suites.get(request.suite)
        suite.check_key(request.raw_key)
        proof = possession_message(
            self._identity.federation, request.code, self._identity.code, request.suite, request.raw_key
        )
        verify = suite.verifier(request.raw_key)
        if not verify(request.possession, proof):
            raise PeerError("入网申请的签名无效", code="bad_signature", detail="possession")
        key_id = key_id_of(suite, request.raw_key)
        key = Key(request.code, "", (), key_id, request.suite, request.raw_key, verify, b"", "", b"")
        renewal = notes.open_first_renewal(request.tls_possession, key)
        if renewal.office != request.code or renewal.tls_public_key != request.tls_public_key:
            raise PeerError("入网申请的通道密钥不符", code="bad_signature", detail="tls possession")
        credentials.check_link_ca(request.link_ca, request.code, self._world.clock.now_ms())
        return key_id

    def _admit(self, row: Pending, name: str) -> None:
        request = read_join_request(row.request)
        old = self._keyring.current(request.code)
        held = self._certificate_envelope(old.record_id) if old is not None and old.key_id == row.fingerprint else None
        mine = self._identity.signer
        # A certificate by the key this office had before it was lost itself is no link of the chain any more.
        if held is None or decode_header(held.header).key_id != key_id_of(mine.suite, mine.raw_key):
            self._certify(request, name)
        if old is not None and old.key_id != row.fingerprint:
            self._trust.drop_tls(request.code)
            warn_new_key(self._alarms, request.code, row.fingerprint)
        now_ms = self._world.clock.now_ms()
        self._store.put([
            Peer(request.code, "child", "", request.link_ca, now_ms, 0, "", 0),
            replace(row, state="admitted", tls_certificate=self._issue(request.code, request.tls_public_key)),
        ])
        self._alarms.clear("pending", request.code)
        self._alarms.clear("enrol", request.code)

    def _certify(self, request: JoinRequest, name: str) -> None:
        path = (*self._identity.path, request.code)
        record = self._author.write(
            Kind.CERTIFICATE,
            self._author.office_line,
            Certificate(
                request.code, name, level_of(request.code), path, request.suite, request.raw_key, request.possession,
                hashlib.sha256(request.link_ca).digest(),
            ),
        )
        self._keyring.learn(record)
        self._alarms.contested(request.code, self._keyring.contested.get(request.code, ()))

    def _admitted_reply(self, row: Pending) -> JoinReply:
        chain = load_chain(self._store)
        key = self._keyring.current(row.code)
        found = self._certificate_envelope(key.record_id) if key else None
        if found is None:
            raise PeerError("证书尚未备妥，请稍后再试", code="busy")
        return JoinReply(JoinState.ADMITTED, "已批准入网", (*chain, found), row.tls_certificate)

    def _certificate_envelope(self, record_id: bytes) -> Envelope | None:
        return self._author.own_office_record(record_id)

    def _issue(self, office: str, public_key: bytes) -> bytes:
        now_ms = self._world.clock.now_ms()
        der = credentials.issue_tls(
            self._ca.key_pem, self._ca.certificate, office, public_key, self._ca.tls_lifetime_ms, now_ms, server=False
        )
        self._trust.issued(office, credentials.tls_sha256(der), credentials.expires_ms(der))
        return der


def warn_new_key(alarms: Alarms, code: str, key_id: bytes) -> None:
    """An office speaks with a new key that its old one did not countersign: flagged until somebody has compared it."""
    remedy = f"请电话核对后执行 dulian approve {code} --fingerprint 指纹"
    text = f"{code} 重建节点，换用新密钥，指纹 {key_id.hex()}；{remedy}"
    alarms.raise_(NEW_KEY, code, text)


def _compare(given: str, key_id: bytes) -> None:
    if "".join(given.split()).replace("-", "").replace(":", "").lower() != key_id.hex():
        remedy = "请对方重新报读指纹；不符即勿批准"
        raise InputError("指纹与申请不符", field="--fingerprint", value=given, remedy=remedy)
