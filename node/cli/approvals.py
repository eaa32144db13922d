"""拟办, 审批, 立项, 方案 and approval cases on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import values
from node.cli.ask import Call, ask
from node.cli.paper import Paper, clean, fields, table, wrap

_APPROVE, _CASES = "拟办与审批", "审签件"
# As `rules.words.SUBJECTS`.
SUBJECTS: Mapping[str, str] = {
    "setup": "立项", "plan": "督查方案", "report": "上报", "accept": "审核办结报告", "extension": "延期",
    "order": "督办令", "notice": "通报", "special": "专题报告", "research": "督查调研", "minutes": "会议纪要",
    "annual_plan": "年度督查计划", "offplan": "计划外督查",
}  # fmt: skip

Opinion = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="意见")]
AsPost = Annotated[
    str | None, typer.Option("--post", metavar="P", help="以哪个职务审批，名称或代号；不写时取轮到的一个")
]
Draft = Annotated[str, typer.Option("--text", metavar="TEXT", help="拟稿的内容")]


def propose(
    item: o.Item, text: Draft, attach: o.Attach = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """拟办：提出拟办意见，按规则档案送审；也用于重新送审退回的审签件。"""
    args, files = {"item": item, "text": text}, _files(attach)
    return ask(Call(home, as_json, as_), "item.propose", args, _drafted("已拟办"), files=files)


def approve(
    item: o.Item, post: AsPost = None, text: Opinion = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """审批：轮到的职务同意这一步；须用 --as 写明账号。"""
    return ask(Call(home, as_json, as_), "item.approve", {"item": item, "post": post, "text": text}, _approved)


def reject(
    item: o.Item, reason: o.Reason, post: AsPost = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """不同意：轮到的职务退回拟稿，说明理由。"""
    args = {"item": item, "reason": reason, "post": post}
    return ask(Call(home, as_json, as_), "item.reject", args, _line("已退回"))


def establish(
    item: o.Item, text: Opinion = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False
) -> int:
    """立项：规则档案没有审批流程的，直接立项。"""
    return ask(Call(home, as_json, as_), "item.establish", {"item": item, "text": text}, _line("已立项"))


def decline(item: o.Item, reason: o.Reason, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """不立项，说明理由；审签件则为撤回。"""
    return ask(Call(home, as_json, as_), "item.decline", {"item": item, "reason": reason}, _line("不予立项"))


def merge(
    item: o.Item, into: Annotated[str, typer.Option("--into", metavar="ITEM", help="并入的事项")],
    text: Opinion = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """并案：把事项并入本单位的另一件事项。"""
    return ask(Call(home, as_json, as_), "item.merge", {"item": item, "into": into, "text": text}, _merged)


def plan(
    item: o.Item, text: Draft,
    milestone: Annotated[
        list[str] | None,
        typer.Option("--milestone", metavar="KEY=TITLE@DATE", help="节点，可重复，如 1=完成摸排@2027-03-31"),
    ] = None,
    attach: o.Attach = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """督查方案：按规则档案送审，没有审批流程的即时生效。"""
    args = {"item": item, "text": text, "milestone": list(milestone or ())}
    return ask(Call(home, as_json, as_), "item.plan", args, _drafted("已拟订方案"), files=_files(attach))


def open_case(
    item: o.Item,
    subject: Annotated[
        str, typer.Option("--subject", metavar="S", help="送审的内容，如 report（上报）、order（督办令）")
    ],
    text: Draft,
    due: Annotated[
        str | None,
        typer.Option("--due", metavar="DATE", help="督办令的时限（不写为事项的时限），延期的新时限（不写为申请的）"),
    ] = None,
    answer: Annotated[
        list[str] | None, typer.Option("--answer", metavar="N=TEXT", help="上报的分项答复：序号=内容，可重复")
    ] = None,
    attach: o.Attach = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """送审：为一件事项开出审签件，如上报、延期、督办令；上级交办的也可以。"""
    args = {
        "item": item, "subject": values.choice("--subject", subject, SUBJECTS), "text": text,
        "due": values.day("--due", due), "answer": list(answer or ()),
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "case.open", args, _drafted("已送审"), files=_files(attach))


def list_cases(
    item: Annotated[str | None, typer.Option("--item", metavar="ITEM", help="只列这件事项的")] = None,
    subject: Annotated[str | None, typer.Option("--subject", metavar="S", help="只列这种内容的")] = None,
    everything: Annotated[bool, typer.Option("--all", help="连同已使用和已撤回的")] = False,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """列出审签件：针对的事项、状态和下一步。"""
    args = {"item": item, "subject": values.choice("--subject", subject, SUBJECTS), "all": everything}
    return ask(Call(home, as_json, as_), "case.list", args, _cases)


def show_case(item: o.Item, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """查看一件审签件：内容、各步和已审批的职务。"""
    return ask(Call(home, as_json, as_), "case.show", {"item": item}, _case)


def _files(attach: list[str] | None) -> list[tuple[str, Any]]:
    return [("attach", values.readable("--attach", path)) for path in attach or ()]


def _called(data: Mapping[str, Any]) -> str:
    return " ".join(clean(data[part]) for part in ("number", "title") if data.get(part)) or clean(data.get("item"))


def _line(did: str) -> Callable[[Any, Paper], Iterable[str]]:
    return lambda data, _paper: [f"{did}：{_called(data)}"]


def _drafted(did: str) -> Callable[[Any, Paper], Iterable[str]]:
    def render(data: Any, _paper: Paper) -> Iterable[str]:
        yield f"{did}：{_called(data)}"
        if data.get("next"):
            yield f"审批流程：{clean(data['chain'])}（规则 {clean(data['rule'])}），第一步 {clean(data['next'])}"

    return render


def _approved(data: Any, _paper: Paper) -> Iterable[str]:
    yield f"已{clean(data['verb'])}（{clean(data['post_label'])}）：{_called(data)}"
    yield "审批已经完成" if data["complete"] else f"下一步 {clean(data['next'])}"


def _merged(data: Any, _paper: Paper) -> Iterable[str]:
    yield f"已并案：{_called(data)} 并入 {clean(data['into_number'])}"


def _cases(data: Any, paper: Paper) -> Iterable[str]:
    if not data:
        return ["没有审签件"]
    rows = [
        [
            clean(row["number"]), clean(row["subject_label"]), clean(row["target_title"]), clean(row["state_label"]),
            clean(row["next"]),
        ]
        for row in data
    ]  # fmt: skip
    headers = ["审签件", "送审内容", "针对的事项", "状态", "下一步"]
    return [*table(headers, rows, paper, give=((2, 12), (4, 16), (0, 16))), f"共 {len(rows)} 件"]


def _case(data: Any, paper: Paper) -> Iterable[str]:
    yield from fields([
        ("审签件", clean(data["number"])), ("送审内容", clean(data["subject_label"])),
        ("针对的事项", f"{clean(data['target_number'])} {clean(data['target_title'])}".strip()),
        ("状态", clean(data["state_label"])), ("规则", clean(data["rule"])), ("下一步", clean(data["next"])),
    ], paper)  # fmt: skip
    columns = None if paper.width is None else paper.width - 2
    yield from ["", paper.paint("内容", "bold")]
    yield from (f"  {line}" for line in wrap(clean(data.get("requirement"), lines=True), columns))
    yield from ["", paper.paint("各步", "bold")]
    for number, step in enumerate(data["steps"], 1):
        between = " 或 " if step["any_one"] else "、"
        posts = between.join(clean(post["label"]) + ("（已审批）" if post["done"] else "") for post in step["posts"])
        yield f"  {number}. {clean(step['verb'])}：{posts}"


GROUPS: Mapping[str, str] = {"case": "审签件：上报、延期、督办令等的送审和审批。"}
COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("item", "propose"): (_APPROVE, propose),
    ("item", "approve"): (_APPROVE, approve),
    ("item", "reject"): (_APPROVE, reject),
    ("item", "establish"): (_APPROVE, establish),
    ("item", "decline"): (_APPROVE, decline),
    ("item", "merge"): (_APPROVE, merge),
    ("item", "plan"): (_APPROVE, plan),
    ("case", "open"): (_CASES, open_case),
    ("case", "list"): (_CASES, list_cases),
    ("case", "show"): (_CASES, show_case),
}
