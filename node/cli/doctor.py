"""`dulian doctor` and `dulian alarm ack`: looking after a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli.ask import Call, ask, request, show
from node.cli.paper import Cell, Paper, clean, table, wrap
from node.errors import EXIT_FINDINGS, EXIT_OK, UnreachableError

GROUPS: Mapping[str, str] = {"alarm": "告警：处置之后确认不会自动结束的一条。"}
CARE = "运行与核对"
_STYLES = {"正常": "green", "警告": "yellow", "故障": "red"}


def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="全部记录、附件和数据库逐一核验，用时较长")] = False,
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """逐项检查本节点，写明原因和处理办法；有问题时退出码为 1。节点停着也能检查。"""
    try:
        found = request(Call(home, as_json), "doctor", {"deep": deep}, long=True).data
    except UnreachableError as error:
        # Only where nobody listens: a node that runs and does not answer must not be disturbed in its database.
        if not isinstance(error.__cause__, FileNotFoundError | ConnectionRefusedError):
            raise
        from node.bootstrap.doctoring import doctor_home

        found = doctor_home(o.home_of(home), deep=deep)
    show(found, as_json, _examined)
    return EXIT_OK if found.get("ok") else EXIT_FINDINGS


def acknowledge(
    code: Annotated[str, typer.Argument(metavar="CODE", help="告警代码，如 rejected_log")],
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="告警对象，见 dulian status --json 的 subject")],
    home: o.Home = None, as_json: o.Json = False, as_: o.As = None,
) -> int:  # fmt: skip
    """确认一条不会自动结束的告警；处置完毕后使用。"""
    return ask(Call(home, as_json, as_), "alarm.ack", {"code": code, "subject": subject}, _acknowledged)


def _examined(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    checks = data.get("checks") or []
    rows: list[list[Cell | str]] = [
        [Cell(clean(one.get("state")), _STYLES.get(str(one.get("state")), "")), clean(one.get("title")),
         clean(one.get("cause"))]
        for one in checks
    ]  # fmt: skip
    yield from table(["结果", "检查", "情况"], rows, paper, flex=2)
    wrong = [one for one in checks if one.get("fix")]
    if not wrong:
        yield paper.paint("检查完毕，没有问题", "green")
        return
    yield f"{len(wrong)} 项需要处理："
    for one in wrong:
        said = f"[{clean(one.get('id'))}] {clean(one.get('fix'))}"
        yield from (f"  {line}" for line in wrap(said, None if paper.width is None else paper.width - 2))


def _acknowledged(data: Mapping[str, Any], _paper: Paper) -> Iterable[str]:
    return [f"已确认 [{clean(data.get('code'))}] {clean(data.get('text'))}"]


COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("", "doctor"): (CARE, doctor),
    ("alarm", "ack"): (CARE, acknowledge),
}
