"""The rule behind an action: the part of the profile with the sentence it copies, or what the life cycle says."""

from __future__ import annotations

from node.items.lifecycle import TERMINAL, state_label
from node.items.versions import LIVES
from node.records.kinds import Kind
from node.rules import explain
from node.rules.values import Chain, Quoted
from node.services.matters import chains
from node.services.matters.desk import state_of
from node.services.matters.ground import Ground
from node.services.views.action_fields import Document, Scene
from node.services.views.action_forms import Form

_AUTHORITY = {
    "receiver": "承办单位", "issuer": "交办单位", "owner": "登记单位", "issuer_or_above": "交办单位或其上级",
    "party": "知悉范围内的单位",
}  # fmt: skip
_STATES_SHOWN = 8


def rule_document(scene: Scene, form: Form) -> Document:
    """``name`` is ``profile/version/part`` or 办理流程/第N版; ``sentence`` the document's own words, if any."""
    chain = _chain(scene, form)
    if chain is not None:
        return _quoted(scene.mine, f"chains.{chain.id}", chain.title, chain)
    if form.part == "extension":
        ground = scene.theirs if form.id == "extend" else scene.mine
        extension = explain.extension_for(ground.profile, **ground.case)
        if extension is not None:
            return _quoted(ground, f"extensions.{extension.id}", extension.title, extension)
    if form.part == "closing" and scene.mine.profile.closing is not None:
        return _quoted(scene.mine, "closing", "销号与归档", scene.mine.profile.closing)
    if form.part == "reports" and scene.theirs.profile.reports is not None:
        return _quoted(scene.theirs, "reports", "定期报告", scene.theirs.profile.reports)
    if form.part == "ladder" and scene.mine.profile.ladder:
        rung = next((one for one in scene.mine.profile.ladder if one.colour == scene.state.tracks.colour),
                    scene.mine.profile.ladder[0])  # fmt: skip
        return _quoted(scene.mine, "ladder", "督办单", rung)
    return _of_life(scene, form)


def _quoted(ground: Ground, part: str, title: str, quoted: Quoted) -> Document:
    return {
        "kind": "profile", "name": ground.rule(part), "title": title, "profile": ground.profile.title,
        "sentence": quoted.sentence or None, "refs": list(quoted.refs),
    }  # fmt: skip


def _of_life(scene: Scene, form: Form) -> Document:
    version = scene.state.semantic_version
    life = LIVES.get(version)
    kinds = form.kinds or (Kind.DISPATCH,)
    rule = life.rules_of(scene.state.kind).get(kinds[0]) if life is not None else None
    title = form.label
    if rule is not None:
        states = [state_label(state) for state in rule.moves]
        shown = "、".join(states[:_STATES_SHOWN]) + ("等" if len(states) > _STATES_SHOWN else "")
        title = f"由{_AUTHORITY[rule.authority]}在「{shown}」时办理"
    return {
        "kind": "lifecycle", "name": f"办理流程/第{version}版", "title": title, "profile": None, "sentence": None,
        "refs": [],
    }  # fmt: skip


def approval_document(scene: Scene, form: Form) -> Document | None:
    """The chain a verb goes through: its steps, the case under way, and which step comes next; None for none."""
    chain = _chain(scene, form)
    if chain is None:
        return None
    profile = scene.mine.profile
    steps = chains.steps_of(chain)
    case: Document | None = None
    following: str | None = chains.step_text(profile, steps[0])
    approval = scene.state.tracks.approval
    if chain.subject in ("setup", "plan") and scene.state.kind == "registered":
        following = chains.next_step(profile, approval) or (None if approval.complete and approval.steps else following)
    else:
        rows = chains.cases_of(scene.desk, chain.subject, scene.row.item_id)
        for row in rows:
            if row.state in TERMINAL:
                continue
            waiting = state_of(scene.desk.store, row.item_id).tracks.approval
            following = chains.next_step(profile, waiting) or None
            case = {
                "item": row.item_id.hex(), "number": row.number, "state": row.state,
                "approved": waiting.complete and bool(waiting.steps),
            }  # fmt: skip
    return {
        "subject": chain.subject, "chain": chain.title, "rule": chains.rule_name(profile, chain),
        "steps": [chains.step_text(profile, step) for step in steps], "case": case, "next": following,
    }  # fmt: skip


def _chain(scene: Scene, form: Form) -> Chain | None:
    if not form.subject or scene.row.subject:
        return None
    return chains.required(scene.desk, form.subject, scene.state)
