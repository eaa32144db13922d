"""The work of the offices: random verbs of the command socket, mostly sensible ones, some that must be refused."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

from node.errors import DulianError
from node.items import guards
from node.items.fold import ItemState
from node.records.kinds import Kind
from node.records.payload import Act, Attachment
from node.services.commands import carry_out
from node.services.matters.desk import Caller, act, current, state_of
from node.storage.port import BoardQuery
from tests.property.fold_facts import fitting, writable

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation
    from tests.sim.world import Machine

# How often a verb is chosen where it is allowed: most matters go forward.
WEIGHTS = {
    Kind.SIGN: 10, Kind.DECOMPOSE: 6, Kind.PROGRESS: 6, Kind.FINAL: 7, Kind.ACCEPT: 7, Kind.CLOSE: 5, Kind.RETURN: 3,
    Kind.REFUSE: 1, Kind.INSIST: 3, Kind.REASSIGN: 1, Kind.CANCEL: 1, Kind.URGE: 1, Kind.EVIDENCE: 2, Kind.DISPATCH: 2,
}  # fmt: skip
VERBS = {
    Kind.SIGN: "item.sign", Kind.DECOMPOSE: "item.decompose", Kind.PROGRESS: "item.report", Kind.FINAL: "item.submit",
    Kind.ACCEPT: "item.accept", Kind.CLOSE: "item.close", Kind.RETURN: "item.return", Kind.REFUSE: "item.refuse",
    Kind.INSIST: "item.insist", Kind.REASSIGN: "item.reassign", Kind.CANCEL: "item.cancel", Kind.URGE: "item.urge",
    Kind.EVIDENCE: "item.attach", Kind.DISPATCH: "item.assign",
}  # fmt: skip
# What stands beside the plain way, as verbs; the same kinds are also written directly, with tracks that fit: the fold
# sees all of them, whatever the profile in force allows.
BESIDE = {
    Kind.EXT_REQUEST: ("item.extend",), Kind.EXT_DECISION: ("item.grant", "item.deny", "item.note"),
    Kind.MILESTONE: ("item.milestone",), Kind.HANDLE: ("item.handle",), Kind.WARN: ("item.warn",),
    Kind.CHANGE: ("item.change",), Kind.EXEMPT: ("item.exempt",), Kind.VERIFY: ("item.verify",),
    Kind.COMPLETE: ("item.complete",), Kind.ARCHIVE: ("item.archive",), Kind.REINSPECT: ("item.reinspect",),
    Kind.SLIP: ("item.slip",), Kind.JUSTIFY: ("item.justify",), Kind.JUSTIFY_DECISION: ("item.judge",),
    Kind.ORDER: ("item.order",), Kind.RECTIFY: ("item.rectify",), Kind.NOTICE: ("item.notice",),
    Kind.INTERVIEW: ("item.interview",), Kind.BULLETIN: ("item.bulletin",), Kind.SPECIAL: ("item.special",),
    Kind.REFER: ("item.refer",), Kind.NEGATIVE: ("item.negative",), Kind.PROPOSE: ("item.propose",),
    Kind.ESTABLISH: ("item.establish",), Kind.DECLINE: ("item.decline",), Kind.PLAN: ("item.plan",),
}
# Answers and what is seldom possible come more often, what ends or is always possible less.
BESIDE_WEIGHTS = dict.fromkeys((
    Kind.APPROVE, Kind.PROPOSE, Kind.PLAN, Kind.EXT_DECISION, Kind.JUSTIFY, Kind.JUSTIFY_DECISION, Kind.VERIFY,
    Kind.COMPLETE, Kind.ARCHIVE, Kind.REINSPECT,
), 6.0) | dict.fromkeys((Kind.DECLINE, Kind.MERGE, Kind.TAKE_OVER, Kind.CORRECT, Kind.WARN), 0.2)  # fmt: skip
NEEDS_RECEIVERS = frozenset({Kind.DECOMPOSE, Kind.REASSIGN, Kind.DISPATCH})
NAMES = ("张三", "李四", "王五·阿依古丽", "欧阳修")


class Workload:
    """Commands at random offices."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.random = sim.random
        self.opened = 0

    def plan(self, duration_ms: int, count: int) -> None:
        """Spread this many commands over the time."""
        for _ in range(count):
            self.sim.after(self.random.randrange(duration_ms), self.act)

    def act(self) -> None:
        """One command somewhere."""
        machine = self.random.choice([*self.sim.machines.values(), *self.sim.copies.clones.values()])
        if not machine.on:
            return
        rows = machine.store.board_query(BoardQuery())
        if not rows or self.random.random() < 0.15:
            self._open(machine)
            return
        # Mostly what is this office's to do, mostly what is new.
        mine = [row for row in rows[-40:] if machine.code in (row.issuer, row.receiver)]
        row = self.random.choice(mine if mine and self.random.random() < 0.8 else rows)
        state = state_of(machine.store, row.item_id)
        may = writable(state, machine.code)
        aside = [kind for kind in may if kind not in VERBS and kind not in (Kind.DELIVERED, Kind.ENCLOSE)]
        if aside and self.random.random() < 0.42:
            weights = [BESIDE_WEIGHTS.get(kind, 1.0) for kind in aside]
            self._beside(machine, self.random.choices(aside, weights)[0], state)
            return
        kinds = [kind for kind in may if kind in VERBS]
        if not self._receivers(machine):
            kinds = [kind for kind in kinds if kind not in NEEDS_RECEIVERS]
        if not kinds or self.random.random() < 0.08:
            kinds = list(VERBS)
            self.sim.counters["senseless_verb"] += 1
        kind = self.random.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]
        self.command(machine, VERBS[kind], self._args(machine, kind, state))

    def _beside(self, machine: Machine, kind: Kind, state: ItemState) -> None:
        """What is done beside: half of it by its verb, half as an act that fits the item."""
        if kind in BESIDE and self.random.random() < 0.5:
            args: dict[str, Any] = {
                "item": state.item_id.hex(), "text": "情况说明", "reason": "理由", "title": "标题", "due": "2027-05-31",
                "until": "2027-08-31", "progress": "过半", "key": f"k{self.random.randrange(3)}", "unit": "督查室",
                "colour": "white", "criticise": True, "unjustified": True, "passed": self.random.random() < 0.5,
            }  # fmt: skip
            self.command(machine, self.random.choice(BESIDE[kind]), args)
            return
        number = self.random.randrange(6)
        office, item = machine.office, state.item_id.hex()

        def write() -> object:
            now = current(office.desk, item)
            guards.check_act(now, kind, machine.code)
            fields = fitting(now, kind, machine.code, number)
            # Who drafts does not approve.
            caller = Caller(NAMES[1 + fields.pop("actor", 0) % 3] if kind == Kind.APPROVE else NAMES[0])
            return act(office.desk, now, kind, Act(**fields), guards.answers(now, kind), caller)

        machine.post(office.command(write, partial(self._done, f"act:{kind.name}")))

    def command(self, machine: Machine, verb: str, args: dict[str, Any]) -> None:
        """Hand a command to the node."""
        caller = Caller(self.random.choice(NAMES))
        office = machine.office
        done = partial(self._done, verb)
        machine.post(office.command(lambda: carry_out(office, verb, args, caller), done))

    def _done(self, verb: str, answer: object, error: DulianError | None) -> None:
        self.sim.counters[f"{verb}:{'refused' if error else 'done'}"] += 1
        if self.sim.options.verbose:
            print(f"{verb}: {error or answer}")

    def _open(self, machine: Machine) -> None:
        self.opened += 1
        args: dict[str, Any] = {"title": f"第 {self.opened} 件", "requirement": "逐项落实"}
        if self.random.random() < 0.3:
            args["due"] = "2027-06-30"
        receivers = self._receivers(machine)
        if not receivers:
            self.command(machine, "item.register", args)
            return
        if len(receivers) > 1 and self.random.random() < 0.5:
            args["lead"] = receivers[0]
        args |= {"to": receivers} | self._files(machine)
        self.command(machine, "item.issue", args)

    def _args(self, machine: Machine, kind: Kind, state: ItemState) -> dict[str, Any]:
        args: dict[str, Any] = {"item": state.item_id.hex(), "text": "情况说明", "reason": "理由"}
        if kind in NEEDS_RECEIVERS:
            receivers = self._receivers(machine)
            args["to"] = receivers[:1] if kind == Kind.REASSIGN else receivers
        if kind == Kind.PROGRESS:
            args["percent"] = self.random.randrange(101)
        if kind in (Kind.PROGRESS, Kind.FINAL, Kind.EVIDENCE):
            args |= self._files(machine)
        return args

    def _receivers(self, machine: Machine) -> list[str]:
        """Some offices below, mostly children, sometimes deeper ones."""
        below = [other for other in self.sim.machines.values() if machine.code in other.path[:-1]]
        below = [other for other in below if len(other.path) == len(machine.path) + 1 or self.random.random() < 0.3]
        count = 1 + self.random.randrange(3)
        return [other.code for other in self.random.sample(below, min(count, len(below)))]

    def _files(self, machine: Machine) -> dict[str, Any]:
        if self.random.random() < 0.5:
            return {}
        content = self.random.randbytes(self.random.randrange(6_000))
        salt = self.random.randbytes(32)
        added = machine.blobs.add(BytesIO(content), salt)
        self.sim.counters["attached"] += 1
        return {"attachments": [Attachment(added.hash, added.salt, added.size_bytes, "附件.docx")]}
