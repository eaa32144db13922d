"""What every verb is called to people: in the audit log, and wherever a page speaks of what was done."""

from __future__ import annotations

from collections.abc import Mapping

from node.services.views.action_forms import FORMS

# Verbs without a form of the item page, and those that have several forms or another word in a row of a table.
_OWN_WORDS: Mapping[str, str] = {
    "status": "查看运行状况", "heads": "查看日志头", "digest": "查看摘要", "verify": "核验", "doctor": "体检",
    "item.list": "查看事项列表", "item.page": "查看事项列表", "item.show": "查看事项", "item.fetch": "下载附件",
    "item.actions": "查看可办事项", "item.proof": "查看记录的证明", "item.tree": "查看分解情况",
    "user.list": "查看账号", "unit.list": "查看机构", "reconcile.history": "查看对账情况", "case.list": "查看送审件",
    "case.show": "查看送审件", "rules.list": "查看规则档案", "rules.show": "查看规则档案",
    "rules.check": "检查规则档案", "rules.explain": "查看规则依据", "calendar.show": "查看工作日历",
    "calendar.differences": "查看日历引起的差异", "ledger.list": "查看台账", "ledger.show": "查看台账",
    "plan.show": "查看年度计划", "plan.check": "查重", "todo.list": "查看待办", "fork.list": "查看分叉",
    "fork.show": "查看分叉", "fork.export": "导出分叉证明", "workbench": "打开工作台", "overview": "查看全流程",
    "gantt": "查看进度图", "statistics": "查看统计", "problems": "分析同类问题",
    "papers": "查看督办文书", "screen": "打开大屏", "screen.list": "查看大屏链接", "screen.open": "给出大屏链接",
    "screen.close": "停用大屏链接",
    "reconcile": "对账", "invite": "邀请下级", "pending": "查看待批准的下级", "approve": "批准下级",
    "alarm.ack": "确认告警", "user.add": "增加账号", "user.change": "变更账号", "user.disable": "停用账号",
    "user.enable": "启用账号", "unit.add": "增加机构",
    "unit.disable": "停用机构", "rules.publish": "发布规则档案", "calendar.import": "导入工作日历",
    "fork.settle": "处置分叉", "backup": "备份", "recover.here": "选定本机继续", "console.link": "给出一次性链接",
    "console.audit": "查看操作审计", "console.login": "登录", "console.logout": "退出登录",
    "console.password": "设置口令", "console.refused": "拒绝的请求", "item.register": "登记",
    "item.issue": "登记并交办", "item.milestone": "时间节点", "item.rectify": "整改清单", "item.return": "退回",
    "item.change": "变更", "item.verify": "复核", "item.reinspect": "回头看", "item.judge": "认定理由",
    "item.notice": "通报", "item.score": "考核记分", "import": "导入任务清单", "ledger.import": "导入台账",
    "plan.add": "列入年度计划", "todo.done": "待办记为已办", "todo.carry": "照建议办理",
}  # fmt: skip
VERB_WORDS: Mapping[str, str] = {**{form.verb: form.label for form in FORMS}, **_OWN_WORDS}


def word_of(verb: str) -> str:
    """The verb's word; one of a later version as it is."""
    return VERB_WORDS.get(verb, verb)
