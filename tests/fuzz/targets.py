"""The decoders that meet foreign bytes: what each begins from, how that is broken, what must hold of the answer.

A target's ``take`` returns where the bytes are accepted, raises PeerError or InputError where they are refused;
anything else (AssertionError: an accepted value is not what the bytes say) is a finding.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import os
import tempfile
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from random import Random

from node.bootstrap import archive
from node.documents.calendars import read_notice
from node.documents.ledger import read_ledger
from node.documents.profiles import SHIPPED, check_profile, load_shipped, read_profile, shipped_text
from node.documents.tasklist import is_ordinal, read_limit, without_ordinal
from node.documents.units import read_units
from node.errors import InputError, PeerError
from node.items.fact import fact_of
from node.records import envelope as envelopes
from node.records import header as headers
from node.records import notes, proof, statement
from node.records import payload as payloads
from node.records.envelope import open_envelope
from node.records.keyring import Key, Keyring
from node.records.kinds import Kind
from node.records.limits import PAYLOAD_BYTES_MAX
from node.records.notes import Signed
from node.records.suite import Ed25519Sha256, Suites
from node.rules.calendar import Calendar
from node.rules.profile import Profile
from node.sync import frames
from node.sync.repair import Damage, fit
from node.wire import codec, credentials, local, messages
from node.wire.invitation import decode_token
from tests.fuzz import mutate, seeds

REFUSALS = (PeerError, InputError)
_DEAR = frozenset({Kind.SLIP, Kind.ASSIGN})  # long payloads: half as many of them
_SINGULAR = frozenset({1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21})  # of record.proto


@dataclass(frozen=True)
class Target:
    """A decoder under attack. ``share``: inputs of a whole run in thousands; ``slowest_s``: CPU seconds for one."""

    name: str
    share: float
    style: mutate.Style
    seeds: Sequence[bytes]
    take: Callable[[bytes], object]
    slowest_s: float = 0.5
    pool: Sequence[bytes] = field(default=())

    def make(self, chance: Random) -> bytes:
        """One input."""
        if chance.random() < 0.005:
            return chance.randbytes(chance.choice((0, 1, 40, 400)))
        return self.style(chance, chance.choice(self.seeds), self.pool or self.seeds)


# -- records ----------------------------------------------------------------------------------------------------------


def take_header(raw: bytes) -> None:
    """Both ways of reading agree; what is accepted reads the same from itself and from what is written of it."""
    header = headers.decode(raw)  # what the short way does not take goes the long way, so no refusal can differ
    assert headers._decode_any(raw) == header
    assert headers.decode(headers.encode(header)) == header
    counted = Counter(number for number, _, _ in mutate.fields(raw) or ())
    assert all(counted[number] <= 1 for number in _SINGULAR), "a singular field twice"


def take_payload(kind: int, raw: bytes) -> None:
    """What is accepted can be written and then reads the same; the fold's fact never raises."""
    if len(raw) > PAYLOAD_BYTES_MAX:
        raise PeerError("内容过长", code="too_large")  # as the header is refused that announces it
    header = seeds.head_of(kind)
    fact = fact_of(seeds.ID, header, raw, seeds.NOW_MS)
    try:
        found = payloads.decode(kind, raw)
    except PeerError:
        assert fact.body == "malformed"
        raise
    assert fact.body != "malformed"
    shown = found._replace(text="") if isinstance(found, payloads.Profile) else found  # its text is JSON, judged later
    assert not [text for text in _texts(shown) if payloads.FORBIDDEN.search(text)], "a text that deceives the eye"
    if isinstance(found, payloads.Enclosure):
        assert all(isinstance(one, envelopes.Envelope) for one in found.records)
        for one in found.records:
            open_envelope(seeds.SUITES, one)
    elif found is not None and len(raw) <= PAYLOAD_BYTES_MAX // 2:
        assert payloads.decode(kind, payloads.encode(found)) == found


def _texts(value: object) -> Iterator[str]:
    """All texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part)


def take_envelope(raw: bytes) -> None:
    """As it comes in a batch; what opens has the id of exactly these bytes."""
    frame = codec.decode(mutate.joined([(4, 2, mutate.joined([(1, 2, raw)]))]))
    assert isinstance(frame, frames.Batch)
    for one in frame.records:
        record = open_envelope(seeds.SUITES, one)
        assert record.header == headers.decode(one.header)
        assert record.record_id == envelopes.record_id_of(seeds.SUITE, one.header, one.signature)
        assert envelopes.from_bytes(envelopes.to_bytes(one)) == one


def _keyring(*, real: bool = False) -> Keyring:
    suites = Suites([seeds.SUITE, Ed25519Sha256()]) if real else seeds.SUITES
    keyring = Keyring(suites, seeds.FEDERATION)
    keyring.learn(seeds.ROOT_CERTIFICATE)
    return keyring


def take_certificate(raw: bytes) -> None:
    """As the payload of a record that its parent has signed well: only what it may certify is learned."""
    keyring = _keyring(real=True)
    key = keyring.learn(open_envelope(keyring.suites, seeds.envelope_of(raw, Kind.CERTIFICATE)))
    assert key.path[-2:-1] == (seeds.ROOT,)


def take_proof(raw: bytes) -> None:
    """A fork's proof, whole."""
    proved = proof.verify(proof.from_json(raw.decode("utf-8", "surrogateescape")), seeds.SUITES, seeds.FEDERATION)
    assert len(set(proved.record_ids)) == 2


def take_repair(raw: bytes) -> None:
    """What a neighbour sends to mend a hole: nothing fits but the record that is missing."""
    frame = codec.decode(raw)
    found = frame.records if isinstance(frame, frames.Range) else ()
    damage = Damage(2, 2, "missing", seeds.PLAIN.record_id)
    piece = fit(seeds.SUITES, seeds.PLAIN.header.log_key, damage, found)
    assert all(record_id == seeds.PLAIN.record_id for _, record_id, _ in piece.good)


# -- notes ------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _known() -> tuple[Keyring, Key]:
    keyring = _keyring()
    return keyring, keyring.learn(seeds.CITY_CERTIFICATE)


def take_note(prefix: bytes, opened: Callable[[Keyring, Signed], object], raw: bytes) -> None:
    """A body signed well: its own words are all that is wrong with it. And the same with a wrong signature."""
    keyring, _ = _known()
    opened(keyring, Signed(raw, seeds.CITY_KEY.sign(prefix + raw)))
    for wrong in (b"", seeds.CITY_KEY.sign(b"dulian-record-1\0" + raw)):
        try:
            opened(keyring, Signed(raw, wrong))
        except PeerError:
            continue
        raise AssertionError("a wrong signature holds")


def take_first_renewal(raw: bytes) -> None:
    """The TLS request of an office being admitted."""
    notes.open_first_renewal(Signed(raw, seeds.CITY_KEY.sign(notes.RENEW + raw)), _known()[1])


def take_result(raw: bytes) -> None:
    """A statement's result."""
    found = statement.decode_result(raw)
    assert statement.decode_result(statement.encode_result(found)) == found


# -- the wire ---------------------------------------------------------------------------------------------------------


def take_frame(raw: bytes) -> None:
    """What is accepted can be sent on and reads the same."""
    frame = codec.decode(raw)
    assert frames.weight(frame) >= 0
    assert codec.decode(codec.encode(frame)) == frame


def take_join(raw: bytes) -> None:
    """A request to join, and what is in it."""
    found = messages.read_join_request(raw)
    assert messages.read_join_request(messages.write_join_request(found)) == found
    credentials._foreign_key(found.tls_public_key)
    credentials.check_link_ca(found.link_ca, seeds.CITY, seeds.NOW_MS)


def take_joined(raw: bytes) -> None:
    """The answer to it."""
    found = messages.read_join_reply(raw)
    for one in found.chain:
        open_envelope(seeds.SUITES, one)
    if found.tls_certificate:
        credentials.office_of(found.tls_certificate)


def take_x509(raw: bytes) -> None:
    """Certificates and keys of the channel."""
    refused = 0
    for read in (
        credentials.office_of, credentials.expires_ms, credentials.begins_ms, credentials.public_key_of,
        credentials._foreign_key, credentials.from_pem, credentials.to_pem,
        partial(credentials.needs_renewal, now_ms=seeds.NOW_MS),
        partial(credentials.is_issued_by, ca_der=seeds.CA),
        partial(credentials.is_issued_by, seeds.LEAF),
        partial(credentials.check_link_ca, office=seeds.CITY, now_ms=seeds.NOW_MS),
    ):  # fmt: skip
        try:
            read(raw)
        except PeerError as error:
            refused += 1
            last = error
    if refused == 11:
        raise last


def take_token(raw: bytes) -> None:
    """As typed."""
    decode_token(raw.decode("utf-8", "surrogateescape"), seeds.NOW_MS)


def take_token_body(raw: bytes) -> None:
    """With a check sum that fits."""
    check = hashlib.sha256(b"dulian-token-1\0" + raw).digest()[:4]
    decode_token("dulian1." + urlsafe_b64encode(raw + check).decode().rstrip("="), seeds.NOW_MS)


class _Socket:
    """Reads requests of the control socket in a loop of its own."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def take(self, raw: bytes) -> None:
        """One request."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._read(raw))

    def close(self) -> None:
        """Done with."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    async def _read(self, raw: bytes) -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(raw)
        found = await local._read_request(len(raw), 0, reader)
        assert isinstance(found.args, dict)
        local._message({"verb": found.verb, "args": found.args})


SOCKET = _Socket()

# -- rules, calendars, documents --------------------------------------------------------------------------------------


def take_profile(raw: bytes) -> None:
    """A published profile: accepted only in the one canonical form."""
    assert Profile.decode(raw).encode() == raw


def take_profile_file(raw: bytes) -> None:
    """What an office typed: reading it and listing its faults agree."""
    problems = check_profile(raw)
    try:
        found = read_profile(raw)
    except InputError:
        assert problems
        raise
    assert not problems
    assert Profile.decode(found.encode()) == found


def take_calendar(raw: bytes) -> None:
    """A published calendar: accepted only in the one canonical form."""
    assert Calendar.decode(raw).encode() == raw


def take_notice(raw: bytes) -> None:
    """The yearly notice as CSV."""
    found = read_notice(raw, Calendar(1, frozenset({2026})))
    assert Calendar.decode(found.encode()) == found


def take_ledger(raw: bytes) -> None:
    """A ledger or task list: what is read has a place and a title."""
    found = read_ledger(raw, dt.date(2026, 6, 1))
    assert all(row.title and row.row > 0 for row in found.rows)


def take_cell(raw: bytes) -> None:
    """What a cell says of limits and units."""
    text = raw.decode("utf-8", "replace")
    read_units(text)
    is_ordinal(text)
    without_ordinal(text)
    try:
        read_limit(text, 2026)
    except ValueError as error:  # documented: no such day
        raise InputError(str(error), code="day") from error


def take_backup(raw: bytes) -> None:
    """A backup as a file."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as file:  # noqa: PTH112
        file.write(raw)
        file.flush()
        archive.read_backup(Path(file.name), None, "")


def take_manifest(raw: bytes) -> None:
    """A backup that is whole but for what its manifest says."""
    take_backup(seeds.backup_with(raw))


def _profiles() -> list[bytes]:
    return [load_shipped(name).encode() for name in SHIPPED]


def targets() -> list[Target]:
    """All of them."""
    said = {kind: [payloads.encode(one) for one in found] for kind, found in seeds.PAYLOADS.items()}
    every = [raw for found in said.values() for raw in found]
    profiles, typed = _profiles(), [shipped_text(name).encode() for name in SHIPPED]
    proto, plain = mutate.proto, mutate.raw_bytes
    signed = (
        ("receipt", notes.RECEIPT, notes.open_receipt, seeds.RECEIPT),
        ("mark", notes.MARK, notes.open_mark, seeds.MARK),
        ("channel", notes.CHANNEL, notes.open_channel, seeds.CHANNEL),
        ("renewal", notes.RENEW, notes.open_renewal, seeds.RENEWAL),
    )  # fmt: skip
    return [
        Target("header", 1_400, proto, seeds.HEADERS, take_header),
        *(Target(f"payload {Kind(kind).name.lower()}", 150 if kind in _DEAR else 400, proto, found,
                 partial(take_payload, kind), pool=every) for kind, found in said.items()),
        Target("envelope", 1_000, proto, seeds.ENVELOPES, take_envelope),
        Target("frame", 2_500, proto, seeds.FRAMES, take_frame),
        Target("repair range", 200, proto, [seeds.MENDING], take_repair),
        Target("certificate, signed", 120, proto, said[Kind.CERTIFICATE], take_certificate),
        *(Target(name, 250, proto, [note.body], partial(take_note, prefix, opened))
          for name, prefix, opened, note in signed),
        Target("first renewal", 300, proto, [seeds.RENEWAL.body], take_first_renewal),
        Target("statement", 300, proto, seeds.RESULTS, take_result),
        Target("fork proof", 60, mutate.json_text, seeds.PROOFS, take_proof),
        Target("join request", 80, proto, [seeds.JOIN], take_join),
        Target("join reply", 200, proto, [seeds.JOINED], take_joined),
        Target("renew request", 300, proto, [seeds.RENEW], messages.read_renew_request),
        Target("renew reply", 300, proto, [seeds.RENEWED], messages.read_renew_reply),
        Target("x509", 60, plain, seeds.X509, take_x509),
        Target("token", 500, plain, seeds.TOKENS, take_token),
        Target("token, check sum right", 100, proto, [seeds.INVITATION_BODY], take_token_body),
        Target("control socket", 100, mutate.json_text, seeds.REQUESTS, SOCKET.take),
        Target("profile record", 30, mutate.json_text, profiles, take_profile, 3.0),
        Target("profile file", 5, mutate.text, typed, take_profile_file, 6.0),
        Target("calendar record", 50, mutate.json_text, seeds.CALENDARS, take_calendar, 1.0),
        Target("calendar file", 60, mutate.text, seeds.NOTICES, take_notice),
        Target("ledger xlsx", 6, mutate.xlsx, seeds.LEDGERS, take_ledger, 10.0),
        Target("ledger cell", 80, mutate.words, seeds.CELLS, take_cell),
        Target("backup", 30, plain, [seeds.backup()], take_backup),
        Target("backup manifest", 40, mutate.json_text, seeds.MANIFESTS, take_manifest),
    ]
