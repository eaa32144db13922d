"""What an entry of a rules profile says of another that is not there: roles, chains, scores, sources, classes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from node.errors import InputError
from node.rules.values import Applies
from node.rules.words import COLOURS

if TYPE_CHECKING:
    from node.rules.profile import Profile


def wrong(text: str, path: str, value: object, remedy: str) -> InputError:
    """Trouble with a profile, at the path of a key."""
    return InputError(text, code="profile", field=path, value=value, remedy=remedy)


def cross_problems(profile: Profile) -> Iterator[InputError]:
    """What one entry says of another that is not there."""
    roles, chains = set(profile.roles), {chain.id: chain for chain in profile.chains}
    scores, classes = {score.id for score in profile.scores}, {c.id for c in profile.classes}
    named: list[tuple[str, str | None, Collection[str], str]] = []
    for i, chain in enumerate(profile.chains):
        for j, step in enumerate(chain.steps):
            named += [(f"chains[{i}].steps[{j}].roles[{k}]", role, roles, "roles") for k, role in enumerate(step.roles)]
        named += [(f"chains[{i}].informs[{k}]", role, roles, "roles") for k, role in enumerate(chain.informs)]
    named += [(f"responsibility[{i}]", role, roles, "roles") for i, role in enumerate(profile.responsibility)]
    chain_ = profile.responsibility
    named += [(f"responsibility_at_issue[{i}]", r, chain_, "responsibility")
              for i, r in enumerate(profile.responsibility_at_issue)]  # fmt: skip
    named += [(f"ledgers[{i}].keeper", ledger.keeper, roles, "roles") for i, ledger in enumerate(profile.ledgers)]
    named.append(("negative_keeper", profile.negative_keeper, roles, "roles"))
    named += [(f"negative_suppliers[{i}]", r, roles, "roles") for i, r in enumerate(profile.negative_suppliers)]
    named += [(f"extensions[{i}].chain", e.chain, chains, "chains") for i, e in enumerate(profile.extensions)]
    if profile.closing is not None:
        named.append(("closing.chain", profile.closing.chain, chains, "chains"))
        named += [(f"closing.verify_required[{i}]", c, classes, "classes")
                  for i, c in enumerate(profile.closing.verify_required)]  # fmt: skip
    effects = [(f"ladder[{i}]", rung.effects) for i, rung in enumerate(profile.ladder)]
    effects += [(f"measures[{i}]", measure.effects) for i, measure in enumerate(profile.measures)]
    for path, several in effects:
        named += [(f"{path}.effects[{j}].score", e.score, scores, "scores") for j, e in enumerate(several)]
    for path, name, known, where in named:
        if name is not None and name not in known:
            yield wrong(f"{where}中没有它", path, name, f"在{where}中写明，或改用已有的")
    if profile.drop and profile.parent is None:
        yield wrong("没有上级档案，无可删去", "drop[0]", profile.drop[0], "删去drop，或写明parent")
    yield from _applies_problems(profile)
    yield from _ladder_problems(profile)
    for i, extension in enumerate(profile.extensions):
        if extension.chain and extension.chain in chains and chains[extension.chain].subject != "extension":
            yield wrong("不是延期的流程", f"extensions[{i}].chain", extension.chain, "其subject应为extension")


def _applies_problems(profile: Profile) -> Iterator[InputError]:
    sources, classes = {s.id for s in profile.sources}, {c.id for c in profile.classes}
    conditions: list[tuple[str, Applies]] = []
    conditions += [(f"rules[{i}].applies", rule.applies) for i, rule in enumerate(profile.rules)]
    conditions += [(f"chains[{i}].applies", chain.applies) for i, chain in enumerate(profile.chains)]
    conditions += [(f"extensions[{i}].applies", entry.applies) for i, entry in enumerate(profile.extensions)]
    conditions += [(f"ledgers[{i}].filter", ledger.filter) for i, ledger in enumerate(profile.ledgers)]
    conditions += [(f"grains[{i}].applies", one.applies) for i, one in enumerate(profile.grains) if one.applies]
    if profile.reports is not None:
        conditions.append(("reports.applies", profile.reports.applies))
    for path, applies in conditions:
        for i, name in enumerate(applies.source):
            if name not in sources:
                yield wrong("sources中没有它", f"{path}.source[{i}]", name, "在sources中写明，或改用已有的")
        for i, name in enumerate(applies.class_):
            if name not in classes:
                yield wrong("classes中没有它", f"{path}.class[{i}]", name, "在classes中写明，或改用已有的")


def _ladder_problems(profile: Profile) -> Iterator[InputError]:
    """A rung may need only colours that stand before it."""
    before: set[str] = set()
    for i, rung in enumerate(profile.ladder):
        for j, need in enumerate(rung.needs):
            for k, name in enumerate(need):
                if name in COLOURS and name not in before:
                    yield wrong("它前面没有这种颜色", f"ladder[{i}].needs[{j}][{k}]", name, "按先后列出各色")
        before.add(rung.colour)
