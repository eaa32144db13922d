"""Our errors in the words of the console: remedies that name commands name the place on the screen instead."""

from __future__ import annotations

import re
from collections.abc import Mapping

from node.errors import DulianError
from node.services.access.rights import RIGHTS

# Longest first: the first that fits is taken.
_PLACES: tuple[tuple[str, str], ...] = (
    ("item list", "在「事项」中查看"),
    ("item show", "在事项页面查看"),
    ("item handle", "在事项页面「内部交办」"),
    ("item decompose", "在事项页面「分解」"),
    ("item assign", "在事项页面「交办」"),
    ("item register", "在「立项登记」办理"),
    ("item fetch", "在事项页面下载"),
    ("item", "在事项页面办理"),
    ("case show", "在事项页面「审签」查看"),
    ("case list", "在「工作台」查看审签件"),
    ("case", "在事项页面「审签」办理"),
    ("user", "请操作员在「节点管理」的「账号」中办理"),
    ("unit", "请操作员在「节点管理」的「机构」中办理"),
    ("rules explain", "在事项页面查看依据"),
    ("rules", "在「节点管理」的「规则档案」中查看"),
    ("calendar", "在「节点管理」的「工作日历」中查看"),
    ("todo", "在「工作台」查看"),
    ("ledger", "在「台账」中查看"),
    ("import", "在「台账」中导入"),
    ("export", "在「台账」中导出"),
    ("plan", "在「台账」的年度计划中查看"),
    ("reconcile", "在「对账与联通」中办理"),
    ("fork", "在「对账与联通」中查看"),
    ("status", "在「对账与联通」中查看"),
    ("doctor", "在「节点管理」中体检"),
    ("invite", "在「节点管理」中邀请"),
    ("pending", "在「节点管理」中查看"),
    ("approve", "在「节点管理」中批准"),
    ("backup", "在「节点管理」中备份"),
    ("console link", "请操作员给一个一次性链接"),
    ("alarm", "在「对账与联通」中办理"),
)
# "用 dulian item list 查看…": the command with its arguments, and the verbs around it.
_COMMAND = re.compile(r"(?:先|再)?(?:执行|用)?\s*dulian ([a-z]+(?: [a-z]+)?)")
_VERB = re.compile(r"（([a-z]+(?:\.[a-z]+)?)）")  # 撤销（cancel）: the word of the command line
# Options of the command line that are fields here, by what their fields are called; a form's own words go first.
OPTIONS: Mapping[str, str] = {
    "adopt": "记分建议", "answer": "分项答复", "as-known-at": "当时所知", "cause": "事由（记录）", "clear": "销去的",
    "criticise": "通报批评", "distinct": "不重复的理由", "done": "节点完成", "drop": "不采纳的记分建议",
    "due": "办结时限", "failed": "不通过", "finding": "复核结论", "frequency": "定期报告", "from": "由谁提供",
    "handover": "接办人", "head": "负责人", "hidden": "四不两直", "instead": "改由：原承办机构",
    "justified": "有正当理由", "lead": "牵头单位", "line": "整改事项", "local": "由本单位自己承办", "media": "媒体",
    "milestone": "节点", "paper": "纸质件存放处", "part": "定期报告各部分", "passed": "通过", "person": "责任人",
    "points": "分值", "post": "职务", "praise": "通报表扬", "reason": "理由", "repeated": "只看再次出现的",
    "report": "已整改的", "role": "角色", "rule": "规则", "source": "事项来源", "start": "起算日", "text": "内容",
    "title": "名称", "to": "承办单位", "unit": "内设机构", "unjustified": "没有正当理由",
    "unlisted": "允许行政区划代码表之外的单位", "until": "新的时限",
}  # fmt: skip
# What only a command line has, with the word behind it.
_LEFT = re.compile(r"\s*--(?:as \S+|[a-z-]+)")
_OPTION = re.compile(r"\s*--([a-z-]+)\s?")


def place_of(command: str) -> str:
    """Where on the screen a command's work is done."""
    for prefix, place in _PLACES:
        if command == prefix or command.startswith(prefix + " "):
            return place
    return "请操作员在本机办理"


def remedy_of(error: DulianError, fields: Mapping[str, str] = OPTIONS) -> str:
    """The remedy without command lines."""
    return plain(error.remedy, fields)


def plain(text: str, fields: Mapping[str, str] = OPTIONS) -> str:
    """Text without command lines: commands are replaced by the place on the screen, options by their field's name."""

    def named(found: re.Match[str]) -> str:
        return f"「{fields[found[1]]}」" if found[1] in fields else found[0]

    text = _VERB.sub(lambda found: "" if f"item.{found[1]}" in RIGHTS else found[0], text)
    parts = re.split(r"([；。，：])", text)
    out: list[str] = []
    for part in parts:
        found = _COMMAND.search(part)
        if found:
            # What stands behind the command are its arguments, also in Chinese (姓名, 机构): left out with it.
            out.append(part[: found.start()].removesuffix("见") + place_of(found[1].strip()))
        else:
            out.append(_LEFT.sub("", _OPTION.sub(named, part)))
    return re.sub(r"：(?=[；。，])", "", "".join(out)).strip("，；： ")


def text_of(error: DulianError, fields: Mapping[str, str] = OPTIONS) -> str:
    """What is wrong, as one sentence for people; ``fields``: names of the form's fields by the service's words."""
    text = plain(error.text, fields)
    remedy = remedy_of(error, fields)
    return f"{text}。{remedy}。" if remedy else f"{text}。"
