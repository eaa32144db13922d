"""`make demo`: six real nodes enrol, work through a real ledger, lose one city to kill -9, and prove that they agree.

Exit code 0 only if every node verifies and the digests of every item agree along its line.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.demo.night import night
from deploy.demo.offices import Office
from deploy.demo.rules import by_rules
from deploy.demo.screen import Screen
from deploy.demo.work import Desk, Plan, read_plan

HERE = Path(__file__).resolve().parent
ROOT = "320000"
OFFICES = [
    ("320000", "江苏省", ""), ("320500", "苏州市", "320000"), ("320200", "无锡市", "320000"),
    ("320583", "昆山市", "320500"), ("320582", "张家港市", "320500"), ("320281", "江阴市", "320200"),
]  # fmt: skip
PERSON = "演示员"
VICTIM = "320500"
BY_RULES = "320200"
_DOWN_S = 4.0
_ISSUE_PAUSE_S = 0.12  # so that a person can follow, and tasks are on their way when the city is killed
_WORK_TIMEOUT_S = 300.0
_AGREE_TIMEOUT_S = 120.0

Offices = dict[str, Office]


def main() -> int:
    """Run the demonstration."""
    folder = Path(tempfile.mkdtemp(prefix="dulian-demo-"))
    offices = {code: Office(code, name, parent, folder) for code, name, parent in OFFICES}
    screen = Screen({code: office.name for code, office in offices.items()})
    try:
        with screen:
            enrol(offices, screen)
            open_consoles(offices, screen)
            work(offices, screen, folder)
            by_rules(offices[ROOT], offices[BY_RULES], screen)
            whole = night(offices[VICTIM], screen)
        agreed = prove(offices, screen) and whole
        tasks = [row for row in offices[ROOT].ask("item.list") if row["kind"] == "assignment"]
        screen.whole(sorted(tasks, key=lambda row: row["number"]), "江苏省：全过程")
        screen.say("全部一致" if agreed else "有不一致，见上")
        if screen.console.is_terminal and agreed:
            stay(offices, screen)
    finally:
        for office in reversed(offices.values()):
            office.stop()
    if agreed:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if agreed else 1


def enrol(offices: Offices, screen: Screen) -> None:
    """Set the nodes up as operators would: init, invite, join, approve, serve."""
    root = offices[ROOT]
    root.run("init", "--office", ROOT, "--name", "江苏省人民政府", "--listen", root.address, "--console", root.console)
    root.serve()
    screen.say(f"江苏省节点就绪，监听 {root.address}")
    cities = tuple(office.code for office in offices.values() if office.parent == ROOT)
    for tier in ((ROOT,), cities):
        joining = [office for office in offices.values() if office.parent in tier]
        with ThreadPoolExecutor(len(joining)) as pool:
            for office, how in pool.map(lambda office: _join(offices, office), joining):
                parent = offices[office.parent]
                screen.say(f"{office.name}节点{how}加入{parent.name}，监听 {office.address}")


def _join(offices: Offices, office: Office) -> tuple[Office, str]:
    """One office joins its parent: cities are admitted by fingerprint, counties by their invitation alone."""
    parent = offices[office.parent]
    by_hand = office.parent == ROOT
    words = ["invite", office.code, "--name", f"{office.name}人民政府"]
    token = parent.run(*words, *([] if by_hand else ["--auto-approve"])).strip()
    made = office.json("join", token, "--listen", office.address, "--console", office.console)
    if by_hand:
        parent.run("approve", office.code, "--fingerprint", made["fingerprint"])
    office.serve()
    return office, "经核对指纹批准" if by_hand else "凭邀请令牌"


def open_consoles(offices: Offices, screen: Screen) -> None:
    """One account for each office, who may do everything there, and its way in: an address and a one-time link."""
    for office in offices.values():
        office.run("user", "add", PERSON, "--role", "operator", "--role", "supervisor", "--role", "leader")
    show_consoles(offices, screen, "控制台已开，用浏览器打开一次性链接、设口令即可进入：")


def show_consoles(offices: Offices, screen: Screen, title: str) -> None:
    """Addresses, each with a fresh link: what was given out before may have been used."""
    screen.lines(title, [
        f"{office.name}  http://{office.console}/  账号 {PERSON}  {office.run('console', 'link', PERSON).strip()}"
        for office in offices.values()
    ])  # fmt: skip


def work(offices: Offices, screen: Screen, folder: Path) -> None:
    """Import, issue, and let every office work; kill one city in the middle."""
    root = offices[ROOT]
    report = folder / "落实情况报告.txt"
    report.write_text("落实情况报告\n\n" + "经督查，各项要求已逐条落实，附有关证明材料。\n" * 400, encoding="utf-8")
    ledger = str(HERE / "ledger.xlsx")
    imported = root.json("import", ledger)
    screen.say(f"江苏省导入台账（苏政办发〔2014〕94号）：登记 {len(imported['items'])} 项")
    cities, plan = read_plan(HERE / "plan.csv")
    stopping = threading.Event()
    desks = [Desk(office, plan, report, stopping) for office in offices.values()]
    for desk in desks:
        desk.start()
    trouble = threading.Thread(target=_trouble, args=(offices[VICTIM], root, screen), daemon=True)
    for index, row in enumerate(imported["items"]):
        root.ask("item.assign", item=row["item"], to=cities[row["number"]])
        if index == len(imported["items"]) // 2:
            trouble.start()
        time.sleep(_ISSUE_PAUSE_S)
        if index % 2 == 0:
            screen.show(root.ask("item.list"))
    tasks = sum(len(to) for to in cities.values())
    screen.say(f"江苏省交办完毕：{len(imported['items'])} 项，{tasks} 个任务")
    _watch(root, desks, plan, screen)
    trouble.join()
    stopping.set()
    for desk in desks:
        desk.join(10)


def _trouble(victim: Office, root: Office, screen: Screen) -> None:
    """Kill -9 while records flow both ways, then a restart."""
    victim.kill()
    screen.say(f"强行终止 {victim.name} 节点（kill -9），其余节点照常工作；发往该市的任务待转送")
    time.sleep(_DOWN_S / 2)
    queued = [row for row in root.ask("item.list") if row.get("delivery") == "queued"]
    screen.say(f"此刻江苏省有 {len(queued)} 个任务待转送")
    time.sleep(_DOWN_S / 2)
    victim.serve()
    screen.say(f"{victim.name}节点恢复，自动续传")


def _watch(root: Office, desks: list[Desk], plan: Plan, screen: Screen) -> None:
    """Show the province's table until every own item and every task it sees is closed."""
    deadline = time.monotonic() + _WORK_TIMEOUT_S
    while True:
        for desk in desks:
            if desk.failure is not None:
                raise SystemExit(f"{desk.office.name}:{desk.failure}")
        rows = root.ask("item.list")
        screen.show(rows)
        expected = len({matter for matter, _ in plan}) + len(plan) + sum(bool(county) for county in plan.values())
        if len(rows) >= expected and all(row["state"] == "closed" for row in rows):
            screen.say(f"江苏省所见 {len(rows)} 项全部销号")
            return
        if time.monotonic() > deadline:
            left = [f"{row['number']} {row['state']}" for row in rows if row["state"] != "closed"]
            raise SystemExit(f"超时：尚有 {len(left)} 项未销号：{left[:5]}")
        time.sleep(0.4)


def prove(offices: Offices, screen: Screen) -> bool:
    """`verify` on every node; digests of every item compared along its line."""
    deadline = time.monotonic() + _AGREE_TIMEOUT_S
    while True:
        differing, compared = _compare(offices)
        if not differing or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    good = not differing
    for text in differing[:10]:
        screen.say(f"不一致：{text}")
    for office in offices.values():
        found = office.json("verify")
        good = good and found["ok"]
        verdict = "无误" if found["ok"] else f"有 {len(found['findings'])} 处问题：{found['findings'][:3]}"
        held = f"{found['records']} 条记录、{found['logs']} 本日志、{found['attachments']} 个附件"
        screen.say(f"{office.name}核验：{held}，{verdict}")
    screen.say(f"沿知悉范围比对 {compared} 个事项的摘要：{'全部相同' if not differing else f'{len(differing)} 处不同'}")
    return good


def _compare(offices: Offices) -> tuple[list[str], int]:
    """Each item must be held by every office of its line, with one digest."""
    digests = {code: office.ask("digest")["items"] for code, office in offices.items()}
    lines: dict[str, list[str]] = {}
    for office in offices.values():
        for row in office.ask("item.list"):
            lines[row["id"]] = row["line"]["path"]
    differing = []
    for item, path in lines.items():
        found: dict[str, Any] = {code: digests[code].get(item) for code in path}
        if len(set(found.values())) != 1 or None in found.values():
            differing.append(f"{item[:12]} {found}")
        strangers = [code for code in digests if code not in path and item in digests[code]]
        if strangers:
            differing.append(f"{item[:12]} 出现在知悉范围之外：{strangers}")
    return differing, len(lines)


def stay(offices: Offices, screen: Screen) -> None:
    """On a terminal: leave the nodes up until Ctrl-C."""
    for office in offices.values():
        screen.console.print(f"  {office.code} {office.name}  {office.address}  --home {office.home}", markup=False)
    show_consoles(offices, screen, "控制台仍开着；没有用过链接的，用下面的：")
    screen.console.print("节点保持运行；也可另开终端执行 .venv/bin/dulian … --home 目录；按 Ctrl-C 结束。")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        screen.console.print("正在停止…")


if __name__ == "__main__":
    sys.exit(main())
