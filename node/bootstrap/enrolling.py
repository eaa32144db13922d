"""`join` at the child: keys and requests, asking the parent until it has decided."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from node.bootstrap.homes import JOIN_FILE, Keys, enter, save_tls
from node.clock import SystemClock
from node.errors import InputError
from node.records import notes
from node.records.keyring import possession_message
from node.records.suite import key_id_of
from node.wire import client, credentials
from node.wire.invitation import Invitation, decode_token
from node.wire.keyfiles import read_key_file, write_key_file
from node.wire.messages import JoinReply, JoinRequest, JoinState


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a node that asked to join keeps until it is admitted (a secret file)."""

    token: str
    tls_key_pem: str


def save_waiting(home: Path, token: str) -> Waiting:
    """Keep the token and a fresh TLS key."""
    waiting = Waiting(token, credentials.new_tls_key().decode())
    write_key_file(home / JOIN_FILE, json.dumps(asdict(waiting)).encode())
    return waiting


def load_waiting(home: Path) -> Waiting | None:
    """What `save_waiting` kept, None once admitted."""
    if not (home / JOIN_FILE).exists():
        return None
    return Waiting(**json.loads(read_key_file(home / JOIN_FILE)))


def invitation_of(waiting: Waiting) -> Invitation:
    """The invitation; InputError where it has expired."""
    return decode_token(waiting.token, SystemClock().now_ms())


def fingerprint_of(keys: Keys) -> str:
    """Fingerprint of this node's record key: what the operators compare by telephone."""
    return key_id_of(keys.signer.suite, keys.signer.raw_key).hex()


async def ask_to_join(home: Path, keys: Keys, waiting: Waiting) -> JoinReply:
    """Ask the parent once; when admitted, the node is entered.

    Raises UnreachableError, PeerError, InputError (refused; the token expired).
    """
    invitation = invitation_of(waiting)
    signer, suite = keys.signer, keys.signer.suite
    tls_key = waiting.tls_key_pem.encode()
    tls_public = credentials.public_key_der(tls_key)
    parent = invitation.parent_path[-1]
    proof = possession_message(invitation.federation, invitation.code, parent, suite.number, signer.raw_key)
    renewal = notes.Renewal(invitation.code, tls_public, SystemClock().now_ms())
    request = JoinRequest(
        invitation.code, suite.number, signer.raw_key, signer.sign(proof), tls_public,
        notes.sign_renewal(signer, invitation.federation, renewal), keys.ca_certificate,
    )  # fmt: skip
    secret_key = credentials.enrolment_key(invitation.secret)
    leaf = credentials.enrolment_leaf(secret_key, invitation.code, tls_public, invitation.expires_ms)
    reply = await client.join(client.Parent(invitation.address, parent, invitation.link_ca, tls_key, leaf), request)
    if reply.state is JoinState.REFUSED:
        again = f"dulian invite {invitation.code} --recover" if invitation.recover else "dulian invite"
        shown, remedy = waiting.token[:16] + "…", f"请上级重新执行 {again}"
        raise InputError(f"上级拒绝入网：{reply.text}", code="refused", field="TOKEN", value=shown, remedy=remedy)
    if reply.state is JoinState.ADMITTED:
        save_tls(home, tls_key, reply.tls_certificate)
        enter(home, keys, invitation.address, invitation.link_ca, reply, invitation.federation,
              recover=invitation.recover)
        (home / JOIN_FILE).unlink()
    return reply
