"""A profile in words: nothing that decides something is left out, and no limit is called 按交办 that has dates."""

from __future__ import annotations

import pytest

from node.documents.profiles import SHIPPED
from node.rules.profile import Profile
from node.rules.said import parts, settings
from tests.unit.rules.days import shipped

# What the documents say, one odd rule of each kind: (profile, list, entry, words).
SAID = [
    ("county-003", "rules", "handling.finish",
     "督查函发出后15个工作日内办结；原则上，逾期不亮红灯；适用于专项查办"),
    ("county-003", "rules", "upper.answer", "上级交办后2个月内报告；必须；适用于交办层级为上级、国家、省、市"),
    ("county-003", "rules", "order.feedback", "督办令发出后按写明的时限反馈；必须"),
    ("county-003", "rules", "own.report",
     "办结报告后3个工作日内报告；无硬性时限，逾期不亮红灯；本地默认；适用于交办层级为本级，专项查办"),
    ("jiangsu-000", "rules", "report.quarterly",
     "每年7月15日、10月15日、1月15日前报告；范围：前一季度；一般；适用于类别为年度重点工作"),
    ("liupanshui-002", "rules", "ledger.reconcile", "每季度末月最后一日，台账核查；范围：本季度；必须"),
    ("liupanshui-002", "rules", "report.monthly",
     "每月最后一日，报告；范围：本月；必须；适用于类别为重点工作、阶段性工作"),
    ("liupanshui-002", "rules", "study.major",
     "收到文件当日学习解读；无硬性时限，逾期不亮红灯；本地默认；最后一日是休息日的不顺延；适用于类别为特别重大的政策、文件"),
    ("xianyang-001", "rules", "inspection.joint",
     "每年6月30日、12月31日，集中督查；范围：本半年；无硬性时限，逾期不亮红灯；本地默认"),
    ("xianyang-001", "ladder", "yellow",
     "条件：已发白色督办单，且规定时限内未完成或结果达不到标准要求，且无正当理由；措施：警告、责令限期整改、记分-0.3分；须写明整改标准、完成时限"),
    ("xianyang-001", "scores", "slip.yellow", "-0.3分；事由：发出黄色专项督办单；计入年度目标任务考核"),
    ("xianyang-001", "scores", "target",
     "加分或扣分，文件没有数字，由考核单位定；事由：督查结果；计入目标责任考核"),
    ("county-003", "quotas", "research", "每半年1至2次"),
    ("liupanshui-002", "quotas", "inspection.delegates", "每年2次"),
    ("xianyang-001", "quotas", "inspection.joint", "每年至少2次"),
    ("jiangsu-000", "extensions", "instruction",
     "只报告说明，原时限不变；至少提前1日申请；适用于来源为政府领导同志重要批示交办事项和考察调研、现场办公指示"),
    ("county-003", "extensions", "meeting", "经批准改定时限；流程 extension.meeting；适用于会议议定事项"),
    ("liupanshui-002", "classes", "inspect.hidden", "四不两直，公布结果前不交办"),
    ("county-003", "chains", "report.upper",
     "县长、县政府办主任之一签发；适用于交办层级为上级、国家、省、市"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "part", "entry", "words"), SAID)
def test_an_entry_in_words(name: str, part: str, entry: str, words: str) -> None:
    assert parts(shipped(name))[part][entry] == words


def test_the_settings_in_words() -> None:
    county, city = settings(shipped("county-003")), settings(shipped("liupanshui-002"))
    verified = "销号前须复核：群众反映问题的领导批示查办件；问题是否解决、群众是否满意；报告存2份"
    assert county["办结归档"].startswith(verified)
    assert county["黄灯"] == "还剩3个工作日以内"
    assert county["提醒"] == "到期前3个工作日和到期当日"
    assert city["报告内容"].startswith("成绩、经验、做法；困难、问题；建议、打算（类别为重点工作、阶段性工作")
    grains = "中长期任务分解到年，年度任务分解到季，阶段性任务分解到月，特别重要的阶段性任务分解到周"
    assert city["任务分解"].startswith(f"{grains}；类别为突发性事件和紧急工作；类别为重点工作")
    assert city["任务分解"].endswith("的，交办时各期都须有节点")
    inside, at_issue = "内部交办时各级都须写明", "交办时须写明政府分管领导、政府主要领导"
    assert city["责任链"].endswith(f"政府分管领导 → 政府主要领导；{inside}；{at_issue}")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_rule_says_how_it_binds_and_a_figure_of_our_own_is_marked(name: str) -> None:
    """A3, A14: start event, strength, dates, 本地默认: in every rule of every profile, also after JSON and back."""
    profile = shipped(name)
    told = parts(profile)["rules"]
    for rule in profile.rules:
        assert ("本地默认" in told[rule.id]) == rule.local_default, rule.id
        assert any(word in told[rule.id] for word in ("必须", "一般", "原则上", "无硬性时限")), rule.id
        assert ("按写明的时限" in told[rule.id]) == rule.by_document, rule.id
    sent = Profile.model_validate(profile.model_dump(mode="json", exclude_defaults=True, by_alias=True))
    assert (parts(sent), settings(sent)) == (parts(profile), settings(profile))
