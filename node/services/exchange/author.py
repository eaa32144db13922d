"""Authoring: this office's own records, sealed, numbered and appended; and the reasons not to author.

Rules: a number is used once (the epoch's log continues exactly at its head); a node that may have been rolled back, or
whose clock is off, does not author; payloads are checked before anything is appended; a re-issue repeats payload and
salt of the original, so that both have one payload hash.
"""

from __future__ import annotations

from collections.abc import Sequence

from node.clock import Hlc, hlc_next, iso
from node.errors import ForbiddenError
from node.records import payload as payloads
from node.records.envelope import Envelope, Record, seal
from node.records.header import Header
from node.records.kinds import Channel, Kind
from node.records.limits import EPOCH_MAX, EPOCH_STEP_MAX, SALT_BYTES
from node.records.line import Line, LogKey
from node.records.payload import KnownHead, Payload
from node.services.exchange.logs import Logs
from node.services.identity import Identity, World
from node.services.mending.comeback import (
    CLONE,
    CLONE_FOUND,
    CLONE_SAID,
    CLONES,
    EPOCH_META,
    RECOVER,
    RECOVERING_META,
    Comeback,
    epoch_in_force,
)  # fmt: skip
from node.storage.port import Actor, Meta, Store
from node.sync.heads import LogState

_NUMBER_META = "number:"  # with the year: the last 登记编号 given
_NUMBERS_SKIPPED, _NUMBERS_SKIPPED_ALL = 100, 1_000  # in a new epoch; where nothing is left of the old one


class Author:
    """Writes this office's records."""

    def __init__(self, identity: Identity, world: World, store: Store, logs: Logs) -> None:
        """Read the epoch in force from the store (0 = none yet)."""
        self._identity = identity
        self._world = world
        self._store = store
        self._logs = logs
        self.epoch = epoch_in_force(store)
        recovering = store.get(Meta, RECOVERING_META)
        self.recovering = recovering.value.decode() if recovering else ""
        if self.recovering == CLONE_SAID:
            self.recovering = CLONE  # this copy was there when two were found: what comes later is not its past
        self.comeback = Comeback(store)
        self.skew_ms = 0  # the parent's clock minus ours, when beyond the limit; 0 = fine
        self.measured_ms: int | None = None  # the parent's clock minus ours as last measured
        self._actors = {actor.name: actor.number for actor in store.rows(Actor)}

    @property
    def office_line(self) -> Line:
        """The line of this office's own declarations: all above it and everything below."""
        return Line(self._identity.path, subtree=True)

    def check_may_write(self) -> None:
        """Raise ForbiddenError while this node must not author."""
        if self.recovering in CLONES:
            raise ForbiddenError(
                "本单位有两份节点同时运行，两份都已暂停签发", code="clone",
                remedy="查明后只留一份：停止并封存另一份，在留下的一份执行 dulian recover --here",
            )
        if self.recovering:
            raise ForbiddenError(
                "本机数据曾被回退，正在从邻居取回本单位已发出的记录，暂停签发",
                code="recovering", remedy="保持与上下级联通，取回后自动恢复；进展见 dulian status",
            )  # fmt: skip
        if self.skew_ms:
            raise ForbiddenError(
                f"本机时钟与上级相差 {abs(self.skew_ms) // 1000} 秒，暂停签发",
                code="clock_skew", remedy="校准本机时间（如 timedatectl）后重试",
            )  # fmt: skip

    @staticmethod
    def check_log(log: LogState | None) -> None:
        """Raise ForbiddenError where nothing more is appended to a log of this office; None: it is not begun yet."""
        if log is not None and log.frozen:
            text = "本单位在该知悉范围的记录出现分叉，已冻结"
            raise ForbiddenError(text, code="frozen", remedy="见 dulian status 的告警")

    def actor_number(self, name: str) -> int:
        """Office-local number of a person, given out on first use; 0 for the node itself."""
        if not name:
            return 0
        number = self._actors.get(name)
        if number is None:
            number = len(self._actors) + 1
            self._actors[name] = number
            self._store.put([Actor(number, name)])
        return number

    def write(
        self,
        kind: Kind,
        line: Line,
        payload: Payload,
        *,
        item: bytes = b"",
        re: tuple[bytes, ...] = (),
        semantic_version: int = 0,
        actor: str = "",
        channel: int = Channel.NODE,
    ) -> Record:
        """Seal and append one record; ForbiddenError where this node must not author, InputError on a bad payload."""
        self.check_may_write()
        raw = payloads.encode(payload)
        header = self._header(kind, line)._replace(
            item=item, re=re, semantic_version=semantic_version, actor=self.actor_number(actor), channel=channel
        )
        return self._append(header, self._world.entropy(SALT_BYTES), raw)

    def reissue(self, record: Record) -> Record:
        """Declare an own record of an earlier epoch again: same payload, salt and answers, naming the original."""
        self.check_may_write()
        old = record.header
        header = self._header(old.kind, old.line)._replace(
            claimed_ms=old.claimed_ms, item=old.item, re=old.re, semantic_version=old.semantic_version,
            actor=old.actor, channel=old.channel, reissue_of=old.reissue_of or record.record_id,
        )  # fmt: skip
        return self._append(header, record.envelope.salt or b"", record.envelope.payload or b"")

    def begin_epoch(self, reason: str, named: Sequence[KnownHead] = ()) -> Record:
        """Start a new stretch of authorship: old epoch + a random positive step, announced by an EPOCH record.

        It names ``named``, or else the heads of the epoch that ends.
        """
        previous = self.epoch
        step = 1 + int.from_bytes(self._world.entropy(4), "big") % EPOCH_STEP_MAX
        self.epoch = min(previous + step, EPOCH_MAX)
        self.recovering = ""
        self._store.put([Meta(EPOCH_META, b"%d" % self.epoch)])
        self._store.delete(Meta, RECOVERING_META)
        if previous or reason == RECOVER:
            self._skip_numbers(_NUMBERS_SKIPPED if previous else _NUMBERS_SKIPPED_ALL)
        own = [log.head for log in self._logs.index.author(self._identity.code) if log.key.epoch == previous]
        heads = tuple(named) or tuple(sorted(own)[:1_000])
        raw = payloads.encode(payloads.Epoch(previous, reason, heads))
        return self._append(self._header(Kind.EPOCH, self.office_line), self._world.entropy(SALT_BYTES), raw)

    def _skip_numbers(self, count: int) -> None:
        """登记编号 of a time that is lost, or of another copy, are not given again."""
        given = {row.name: int(row.value) for row in self._store.rows(Meta) if row.name.startswith(_NUMBER_META)}
        given.setdefault(f"{_NUMBER_META}{iso(self._world.clock.now_ms())[:4]}", 0)
        self._store.put([Meta(name, b"%d" % (last + count)) for name, last in given.items()])

    def stop(self, reason: str) -> None:
        """Author nothing: rolled back, until what was lost came back (section 4); one of two copies, until chosen."""
        if not self.recovering or (reason in CLONES and self.recovering not in CLONES):
            self.recovering = reason
            self._store.put([Meta(RECOVERING_META, reason.encode())])

    def stop_silently(self) -> None:
        """The other of two copies was chosen already: that this one has found it need not be said any more."""
        if self.recovering == CLONE_FOUND:
            self.recovering = CLONE
            self._store.put([Meta(RECOVERING_META, CLONE.encode())])

    def own_office_record(self, record_id: bytes) -> Envelope | None:
        """An own record of the office line by id (certificates), or None."""
        for log in self._logs.index.author(self._identity.code):
            if log.key.line != self.office_line:
                continue
            self._logs.flush()
            after = 0
            while rows := self._store.run(log.log_no, after, 1_000, 4_194_304):
                for row in rows:
                    if row.record_id == record_id:
                        return Envelope(row.header, row.signature, row.salt, row.payload)
                after = rows[-1].seq
        return None

    def _header(self, kind: int, line: Line) -> Header:
        now_ms = self._world.clock.now_ms()
        hlc: Hlc = hlc_next(self._logs.hlc, now_ms)
        log = self._logs.ensure(LogKey(self._identity.code, self.epoch, line))
        self.check_log(log)
        return Header(
            self._identity.federation, self._identity.code, self.epoch, line, log.seq + 1, log.head_id,
            hlc.ms, hlc.count, now_ms, kind, b"", 0, (), b"", 0, Channel.NODE, 0, b"", 0, b"",
        )  # fmt: skip

    def _append(self, header: Header, salt: bytes, payload: bytes) -> Record:
        record = seal(self._identity.signer, header, salt, payload)
        log = self._logs.ensure(header.log_key)
        self._logs.append(log, [record], self._world.clock.now_ms(), "")
        return record
