"""What runs beside an item's state, as values: approvals, 延期, 督办单, 节点, 整改, 复核, 记分. Made by `tracks`."""

from __future__ import annotations

from typing import NamedTuple

from node.records.track import ChainStep, Duty, Finding, Milestone, RectifyLine


class Approved(NamedTuple):
    """One post's 审批 of a step."""

    record_id: bytes
    step: int
    post: str
    actor: int
    verb: str


class Approval(NamedTuple):
    """The approval that 拟办 or 方案 asked for last. ``drafter`` is the office-local number of who asked."""

    request: bytes = b""
    subject: str = ""  # setup | plan
    steps: tuple[ChainStep, ...] = ()
    drafter: int = 0
    done: tuple[Approved, ...] = ()
    rejected: bool = False

    @property
    def step(self) -> int:
        """Index of the step whose turn it is; len(steps) once all are done."""
        for index, step in enumerate(self.steps):
            missing = [post for post in step.posts if post not in self.posts_done(index)]
            if missing and not (step.any_one and len(missing) < len(step.posts)):
                return index
        return len(self.steps)

    @property
    def complete(self) -> bool:
        """Whether every post of every step has approved."""
        return not self.rejected and self.step == len(self.steps)

    def posts_done(self, index: int) -> frozenset[str]:
        """Posts that have approved step ``index``."""
        return frozenset(one.post for one in self.done if one.step == index)


class Extension(NamedTuple):
    """延期: ``state`` is "", requested, granted, denied or noted (已说明, the date stays); days since 1970-01-01."""

    state: str = ""
    request: bytes = b""
    wanted_day: int = 0
    grants: int = 0
    requests: int = 0


class Slip(NamedTuple):
    """督办单: ``justified`` is "", given, justified or unjustified (R106, A15)."""

    record_id: bytes
    colour: str
    due_day: int
    rule: str
    entries: tuple[str, ...]
    author: str
    justified: str = ""
    justification: bytes = b""


class Score(NamedTuple):
    """考核记分, thousandths of a point, with the rule and the record that give cause (R119, A20)."""

    record_id: bytes
    points_milli: int
    rule: str
    cause: bytes
    verdict: int
    unit: str


class Handler(NamedTuple):
    """内部交办: who has it in hand inside the receiving office."""

    unit: str
    person: str
    due_day: int


class Tracks(NamedTuple):
    """Everything that runs beside the state."""

    approval: Approval = Approval()
    plan: bytes = b""  # the 方案 in force
    extension: Extension = Extension()
    dues: tuple[tuple[bytes, int], ...] = ()  # (declaration, due day it set), the opening first
    slips: tuple[Slip, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    lines: tuple[RectifyLine, ...] = ()
    findings: tuple[Finding, ...] = ()
    scores: tuple[Score, ...] = ()
    handlers: tuple[Handler, ...] = ()
    duties: tuple[Duty, ...] = ()
    exempt: bytes = b""  # the 免除
    unclear: bool = False
    revealed: bool = False  # the result of an unannounced inspection was published (R101)
    warnings: int = 0
    orders: tuple[bytes, ...] = ()
    notices: tuple[bytes, ...] = ()  # 通报, 简报, 专报
    interviews: int = 0
    enclosed: tuple[bytes, ...] = ()  # 转送
    manifest: tuple[str, ...] = ()  # 归档目录
    reinspections: tuple[bytes, ...] = ()  # items that look again

    @property
    def colour(self) -> str:
        """Colour of the last 督办单, empty for none."""
        return self.slips[-1].colour if self.slips else ""

    def in_force(self, needs: str) -> bytes:
        """The record an answer must name: what waits for 审批, 延期批复, reasons or their decision; empty for none."""
        if needs == "approval":
            open_ = not self.approval.rejected and not self.approval.complete
            return self.approval.request if open_ else b""
        if needs == "extension":
            return self.extension.request if self.extension.state == "requested" else b""
        if needs == "slip":
            # The last one only, and until its reasons are decided on: those of an earlier colour come too late.
            return self.slips[-1].record_id if self.slips and self.slips[-1].justified in ("", "given") else b""
        for slip in reversed(self.slips):
            if slip.justified == "given":
                return slip.justification
        # Nobody gave any: then the last slip itself is what is decided on (`matters.slips` says when, and how).
        return self.slips[-1].record_id if self.slips and not self.slips[-1].justified else b""


EMPTY = Tracks()
