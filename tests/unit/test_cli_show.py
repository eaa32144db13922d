"""What people read, from the JSON documents of surface.md."""

import pytest

from node.cli import show_item, show_node
from node.cli.paper import Paper, width
from node.cli.transfer import imported

PLAIN = Paper()


def text(lines) -> str:
    return "\n".join(lines)


def row(digit: str, **changes) -> dict:
    return {
        "id": digit * 64, "number": f"320000-2026-0007/{digit}", "title": "推进城乡供水一体化", "kind": "assignment",
        "issuer": "320000", "issuer_name": "江苏省人民政府", "receiver": "320500", "receiver_name": "苏州市人民政府",
        "role": "sole", "parent": "f" * 64, "line": {"path": ["320000", "320500"], "top": "320000", "bottom": "320500",
        "subtree": False}, "state": "active", "state_label": "办理中", "light": "green",
        "due": "2026-12-31", "percent": 60,
        "as_of": "2026-11-22T03:14:05+08:00", "updated_at": "2026-11-22T03:14:06+08:00",
    } | changes  # fmt: skip


def test_the_list() -> None:
    rows = [
        row("1"),
        row("2", receiver="320200", receiver_name="无锡市人民政府", role="assist", state="assigned",
            state_label="已交办", delivery="queued", light="yellow", percent=None, as_of=None),
        row("3", number="", light="none", due=None, receiver_name="", state="closed", state_label=""),
    ]  # fmt: skip
    assert (
        text(show_item.items(rows, PLAIN))
        == """\
登记编号            事项                承办单位                状态    灯  时限        进度  数据截至
320000-2026-0007/1  推进城乡供水一体化  苏州市人民政府          办理中  绿  2026-12-31  60%   2026-11-22 03:14
320000-2026-0007/2  推进城乡供水一体化  无锡市人民政府（协办）  待转送  黄  2026-12-31  —     —
33333333            推进城乡供水一体化  320500                  已销号  —   —           60%   2026-11-22 03:14
共 3 件"""
    )
    assert text(show_item.items([], PLAIN)) == "没有符合条件的事项"


def test_a_provisional_date_is_marked_in_lists_and_at_the_item() -> None:
    """A2: 暂定 stands where the date stands."""
    assert "2026-12-31（暂定）" in text(show_item.items([row("1", provisional=True)], PLAIN))
    assert "2026-12-31（暂定）" in text(show_item.item(row("1", provisional=True), PLAIN))
    assert "暂定" not in text(show_item.items([row("1", provisional=False)], PLAIN))
    narrow = list(show_item.items([row("1", provisional=True)], Paper(80)))
    assert max(map(width, narrow)) <= 80
    assert "2026-12-31暂 " in narrow[1]


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 132])
def test_lists_and_status_fit_the_terminal_and_never_break_a_row(columns: int) -> None:
    rows = [
        row("1", number="320000-2026-0007/12/3", title="推进城乡供水一体化" * 9, role="lead", state_label="审核通过"),
        row("2", receiver="320200", receiver_name="无锡市锡山区鹅湖镇人民政府", role="assist", light="done"),
    ]  # fmt: skip
    listed = list(show_item.items(rows, Paper(columns)))
    assert len(listed) == 1 + len(rows) + 1
    link = {"office": "320500", "name": "苏州市人民政府", "role": "child", "connected": False, "state": "behind",
            "last_contact": "2026-11-22T03:14:05+08:00", "to_send": 300_000, "to_receive": 12_345,
            "as_of": "2026-11-22T03:14:05+08:00"}  # fmt: skip
    alarm = {"code": "recovered", "text": "本机数据曾被回退，已从邻居取回并开始新纪元" * 3,
             "since": "2026-11-22T03:14:05+08:00"}  # fmt: skip
    data = {"office": {"code": "320000", "name": "江苏省人民政府", "level": "province"}, "epoch": 2**52,
            "version": "0.1.0", "records": 1_000_000, "logs": 10_000, "items": 100_000, "ready": True,
            "links": [link, link], "alarms": [alarm]}  # fmt: skip
    status = list(show_node.status(data, Paper(columns)))
    assert status.index("") + 1 + 3 == len(status) - 1 - status[::-1].index("")  # heading and one line for each link
    shown = list(show_item.item(rows[0] | {"children": rows}, Paper(columns)))
    assert max(map(width, [*listed, *status, *shown])) <= columns
    if columns >= 80:
        assert "320000-2026-0007/12/3" in listed[1]
        assert "推进城…" in listed[1] or columns > 80
        assert "2026-11-22" in listed[1]
        assert "未连接" in text(status)
    if columns >= 100:
        assert "苏州市" in listed[1]


def test_lights_are_words_with_a_colour_beside_them() -> None:
    rows = [row("1", light=light) for light in ("green", "yellow", "red", "done")]
    shown = text(show_item.items(rows, Paper(200, colour=True)))
    for mark in ("\x1b[32m绿\x1b[0m", "\x1b[33m黄\x1b[0m", "\x1b[31m红\x1b[0m", "\x1b[36m办结\x1b[0m"):
        assert mark in shown


def test_ids_are_shortened_only_as_far_as_they_stay_apart() -> None:
    assert show_item.short_ids(["a" * 64, "b" * 64]) == {"a" * 64: "a" * 8, "b" * 64: "b" * 8}
    one, other = "a" * 11 + "b" * 53, "a" * 64
    assert show_item.short_ids([one, other]) == {one: one[:12], other: other[:12]}
    assert show_item.short_ids([one, one]) == {one: one[:8]}


def test_one_item() -> None:
    data = row("1", role="lead") | {
        "requirement": "第一段。\n第二段。", "points": ["水源地保护", "管网改造"], "source": "重要会议",
        "responsible": "省住房城乡建设厅", "limit_text": "年内",
        "children": [row("2", light="red", state_label="已签收")],
        "attachments": [{"hash": "9f" * 32, "name": "方案.pdf", "size": 123_456, "present": False}],
        "timeline": [
            {"record": "00", "kind": 2, "kind_label": "交办", "author": "320000", "actor": "张三", "text": "",
             "recorded_at": "2026-11-20T08:00:00+08:00", "received_at": "2026-11-20T08:00:01+08:00",
             "effect": "applied"},
            {"record": "01", "kind": 3, "kind_label": "进展", "author": "320500", "author_name": "苏州市",
             "actor": None, "text": "[60%] 已过半\n\x1b[2J完", "effect": "late",
             "recorded_at": "2026-11-21T08:00:00+08:00", "received_at": "2026-11-21T08:00:00+08:00"},
        ],
    }  # fmt: skip
    assert (
        text(show_item.item(data, PLAIN))
        == f"""\
事项              推进城乡供水一体化
登记编号          320000-2026-0007/1
标识              {"1" * 64}
类别              交办任务
来源              重要会议
交办单位          320000 江苏省人民政府
承办单位          320500 苏州市人民政府
分工              牵头
责任单位（原文）  省住房城乡建设厅
时限（原文）      年内
上级事项          {"f" * 64}
知悉范围          320000 → 320500
状态              办理中
办结时限          2026-12-31
灯                绿
进度              60%
数据截至          2026-11-22 03:14:05
更新时间          2026-11-22 03:14:06

工作要求
  第一段。
  第二段。

分项要求
  1. 水源地保护
  2. 管网改造

分解（1件）
  登记编号            任务                承办单位        状态    灯  时限        进度
  320000-2026-0007/2  推进城乡供水一体化  苏州市人民政府  已签收  红  2026-12-31  60%

附件
  文件      大小       内容  散列值
  方案.pdf  120.6 KiB  未到  {"9f" * 32}

经过
  2026-11-20 08:00:00  交办  320000 张三  收到 2026-11-20 08:00:01
  2026-11-21 08:00:00  进展  苏州市  [迟到，不生效]
      [60%] 已过半
      \ufffd[2J完"""
    )


def test_an_item_of_which_little_is_known_is_shown_all_the_same() -> None:
    assert "状态      —" in text(show_item.item({"id": "1" * 64, "state": None}, PLAIN))


def test_what_was_done() -> None:
    answer = {
        "item": "1" * 64, "number": "320000-2026-0007", "title": "供水",
        "assignments": [
            {"item": "2" * 64, "number": "320000-2026-0007/1", "to": "320500", "name": "苏州市", "role": "lead"}
        ],
    }  # fmt: skip
    assert text(show_item.issued("已交办")(answer, PLAIN)) == (
        "已交办：320000-2026-0007 供水\n"
        "  登记编号            承办单位       分工\n"
        "  320000-2026-0007/1  320500 苏州市  牵头"
    )
    signed = {"item": "1" * 64, "number": "320000-2026-0007/1", "title": "供水", "record": "2" * 64}
    assert text(show_item.done("已签收")(signed, PLAIN)) == "已签收：320000-2026-0007/1 供水"
    assert text(show_item.done("已签收")({"item": "1" * 64}, PLAIN)) == f"已签收：{'1' * 64}"
    assert text(show_item.attached({"attachments": ["ab" * 32]}, PLAIN)) == f"已附上文件，散列值 {'ab' * 32}"


def test_who_has_not_joined_is_named_where_a_task_goes_there() -> None:
    """A code typed wrong (320500-fgv) would wait for ever and look like any other."""
    said = {"item": "1" * 64, "number": "320000-2026-0007", "assignments": [
        {"item": "2" * 64, "number": "320000-2026-0007/1", "to": "320500", "name": "苏州市", "role": "lead"},
        {"item": "3" * 64, "number": "320000-2026-0007/2", "to": "320400", "name": "", "role": "assist"},
    ]}  # fmt: skip
    note = "尚未入网：320400。任务由本节点保存，入网后自动送达；代码写错的请撤销"
    assert text(show_item.issued("已交办")(said, PLAIN)).splitlines()[-1] == note
    said["assignments"] = said["assignments"][:1]
    assert "尚未入网" not in text(show_item.issued("已交办")(said, PLAIN))


def test_status() -> None:
    data = {
        "office": {"code": "320000", "name": "江苏省人民政府", "level": "province", "parent": None}, "epoch": 9,
        "version": "0.1.0", "ready": True, "records": 1234, "logs": 56, "items": 78, "alarms": [],
        "links": [
            {"office": code, "role": "child", "connected": state == "synced", "state": state, "to_send": 12,
             "to_receive": 0, "reconciled_at": None,
             "oldest_unsent_at": "2026-11-22T03:10:00+08:00" if state == "behind" else None,
             "last_contact": None if state == "never" else "2026-11-22T03:14:05+08:00"}
            for code, state in (("320500", "synced"), ("320200", "behind"), ("320300", "never"))
        ],
    }  # fmt: skip
    assert (
        text(show_node.status(data, PLAIN))
        == """\
320000 江苏省人民政府  省级  就绪
纪元 9  版本 0.1.0  记录 1234 条  日志 56 本  事项 78 件

单位    关系  状态            待发  待收  最近联系             数据截至
320500  下级  已同步          12    0     2026-11-22 03:14:05  —
320200  下级  滞后（未连接）  12    0     2026-11-22 03:14:05  —
320300  下级  未联通          12    0     —                    —
320200 待发 12 条，最早的产生于 2026-11-22 03:10:00

尚未备份（dulian backup FILE，或在 config.toml 设 backup_folder）
没有告警"""
    )
    data["alarms"] = [{"code": "fork", "text": "日志分叉", "since": "2026-11-22T03:14:05+08:00"}]
    data["links"] = []
    assert text(show_node.status(data, PLAIN)).endswith(
        "没有上级和下级节点\n\n尚未备份（dulian backup FILE，或在 config.toml 设 backup_folder）\n"
        "告警 1 条\n  [fork] 日志分叉  自 2026-11-22 03:14:05\n处置办法见安装目录里 RUNBOOK.md 中与告警代码同名的章节"
    )


def test_status_says_where_the_console_is_and_what_its_certificate_looks_like() -> None:
    data: dict[str, object] = {"office": {"code": "320500"}, "ready": True, "epoch": 1, "links": [], "alarms": []}
    data["console"] = {"url": "http://127.0.0.1:7680", "fingerprint": None, "expires": None}
    assert "\n控制台 http://127.0.0.1:7680\n尚未备份" in text(show_node.status(data, PLAIN))
    data["console"] = {
        "url": "https://10.2.0.1:7680", "fingerprint": "ab" * 32, "expires": "2027-11-22T03:14:05+08:00",
    }  # fmt: skip
    said = f"\n控制台 https://10.2.0.1:7680\n控制台证书 SHA-256 指纹 {'ab' * 32}，有效到 2027-11-22 03:14:05\n"
    assert said in text(show_node.status(data, PLAIN))


def test_status_of_a_node_that_waits_to_be_admitted_has_no_empty_counts() -> None:
    alarm = {"code": "pending", "text": "等待上级批准", "since": "2026-11-22T03:14:05+08:00"}
    office = {"code": "320500", "name": "苏州市", "level": "prefecture"}
    waiting = {"office": office, "ready": False, "links": [], "alarms": [alarm]}
    assert text(show_node.status(waiting, PLAIN)).splitlines()[:3] == [
        "320500 苏州市  市级  未就绪", "", "没有上级和下级节点",
    ]  # fmt: skip


def test_every_state_of_a_link_has_a_word() -> None:
    words = [word for word, _ in show_node.LINK_STATES.values()]
    assert words == ["已同步", "同步中", "滞后", "数据过期", "隔离", "未联通"]


def test_pending_nodes_show_their_fingerprints_in_groups() -> None:
    waiting = [{"code": "320500", "name": "苏州市人民政府", "fingerprint": "0123456789abcdef" * 4,
                "since": "2026-11-22T03:14:05+08:00"}]  # fmt: skip
    assert text(show_node.pending(waiting, PLAIN)).splitlines()[:2] == [
        "320500 苏州市人民政府  申请于 2026-11-22 03:14:05",
        "  0123 4567 89ab cdef 0123 4567 89ab cdef",
    ]
    assert text(show_node.pending([], PLAIN)) == "没有等待批准的节点"
    assert text(show_node.approved({"code": "320500", "state": "admitted"}, PLAIN)) == "已批准 320500"


def test_heads_digests_and_verification() -> None:
    head = {"author": "320000", "epoch": 9, "path": ["320000", "320500"], "top": "320000", "bottom": "320500",
            "subtree": True, "seq": 12, "hash": "ab" * 32}  # fmt: skip
    assert text(show_node.heads([head], PLAIN)).splitlines()[1] == (
        "320000  9     320000→320500 及以下  12    abababababababab"
    )
    assert text(show_node.digest({"items": {"1" * 64: "2" * 64}, "all": "3" * 64}, PLAIN)).splitlines()[1:] == [
        f"{'1' * 64}  {'2' * 64}",
        f"全部 {'3' * 64}",
    ]
    good = {"ok": True, "records": 3, "logs": 2, "attachments": 1, "findings": []}
    assert text(show_node.verification(good, PLAIN)) == "核验通过：记录 3 条，日志 2 本，附件 1 个"
    bad = good | {"ok": False, "findings": [{"code": "head", "where": "320000", "text": "末号不符"}]}
    assert text(show_node.verification(bad, PLAIN)) == (
        "核验发现 1 处问题：记录 3 条，日志 2 本，附件 1 个\n  问题  位置    说明\n  head  320000  末号不符"
    )


def test_import_shows_every_bad_row_or_what_was_registered() -> None:
    errors = [
        {"row": 7, "column": "办结时限", "text": "不是日期"},
        {"row": 12, "column": "事项名称", "text": "不能为空"},
    ]
    assert text(imported(dry_run=False)({"items": [], "errors": errors}, PLAIN)) == (
        "没有登记：2 处不合格\n  行  列        原因\n  7   办结时限  不是日期\n  12  事项名称  不能为空"
    )
    items = {"items": [{"row": 4, "item": "1" * 64, "number": "320000-2026-0001"}], "errors": []}
    assert text(imported(dry_run=False)(items, PLAIN)).splitlines() == [
        "已登记 1 件", "  行  登记编号          标识", f"  4   320000-2026-0001  {'1' * 64}",
    ]  # fmt: skip
    assert text(imported(dry_run=True)(items, PLAIN)) == "检查通过：1 行可以登记；没有写入"


def test_a_new_home_shows_its_fingerprint_and_the_next_step() -> None:
    made = {"office": "320000", "name": "江苏省人民政府", "home": "/data", "fingerprint": "ab" * 32, "state": "ready"}
    shown = text(show_node.made(made, PLAIN))
    assert shown.startswith("节点已建立\n单位      320000 江苏省人民政府\n")
    assert "abab abab abab abab abab abab abab abab\n" in shown
    assert shown.endswith("下一步：dulian serve --home /data")
    assert "等待上级批准" in text(show_node.made(made | {"state": "pending"}, PLAIN))


def test_sizes() -> None:
    assert [show_item.size(value) for value in (0, 1023, 1024, 5 * 1024**2, 3 * 1024**4, None)] == [
        "0 B", "1023 B", "1.0 KiB", "5.0 MiB", "3072.0 GiB", "—",
    ]  # fmt: skip


def test_people_read_labels_and_numbers_instead_of_ids() -> None:
    """R6: the profile's words for source and class; a linked item by its 登记编号, by its id where it is not known."""
    data = row("1", predecessor="d" * 64, successor="e" * 64) | {
        "source": "handling.instruction", "source_label": "领导批示", "class_label": "批示办理",
        "numbers": {"f" * 64: "320000-2026-0007", "d" * 64: "320000-2026-0003", "c" * 64: "320000-2026-0011"},
        "tracks": {"reinspections": ["c" * 64, "b" * 64]},
    }  # fmt: skip
    shown = text(show_item.item(data, PLAIN)).splitlines()
    said = {line.split()[0]: line.split()[-1] for line in shown if len(line.split()) == 2}
    assert said["来源"] == "领导批示"
    assert said["事项类别"] == "批示办理"
    assert said["上级事项"] == "320000-2026-0007"
    assert said["前一事项"] == "320000-2026-0003"
    assert said["后一事项"] == "e" * 64
    assert "  回头看：320000-2026-0011" in shown
    assert f"  回头看：{'b' * 12}" in shown
