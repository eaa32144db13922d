"""Our errors in the words of the console: remedies that name commands name the place on the screen instead."""

from __future__ import annotations

import re

from node.errors import DulianError
from node.services.rights import RIGHTS

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
_LEFT = re.compile(r"\s*(--[a-z-]+)")


def place_of(command: str) -> str:
    """Where on the screen a command's work is done."""
    for prefix, place in _PLACES:
        if command == prefix or command.startswith(prefix + " "):
            return place
    return "请操作员在本机办理"


def remedy_of(error: DulianError) -> str:
    """The remedy without command lines."""
    return plain(error.remedy)


def plain(text: str) -> str:
    """Text without command lines: each is replaced by the place on the screen."""
    text = _VERB.sub(lambda found: "" if f"item.{found[1]}" in RIGHTS else found[0], text)
    parts = re.split(r"([；。，：])", text)
    out: list[str] = []
    for part in parts:
        found = _COMMAND.search(part)
        if found:
            # What stands behind the command are its arguments, also in Chinese (姓名, 机构): left out with it.
            out.append(part[: found.start()].removesuffix("见") + place_of(found[1].strip()))
        else:
            out.append(_LEFT.sub("", part))
    return "".join(out).strip("，；： ")


def text_of(error: DulianError) -> str:
    """What is wrong, as one sentence for people."""
    text = plain(error.text)
    remedy = remedy_of(error)
    return f"{text}。{remedy}。" if remedy else f"{text}。"
