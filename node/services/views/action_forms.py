"""The forms of the item page: what each action is called, where it stands, which fields it has. Data only.

A form is a verb of `services.commands` with arguments that are fixed (``passed``: 复核通过); what may be chosen and
what stands in a field beforehand depends on the item: `action_fields`. Labels are the field's terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from node.records.kinds import Kind

FieldKind = Literal["text", "longtext", "date", "choice", "offices", "units", "files", "number", "lines", "bool"]
HANDLING, REVIEW, SUPERVISION, PAPERS, OTHER = "办理", "审核", "督办", "公文", "其他"
GROUPS = (HANDLING, REVIEW, SUPERVISION, PAPERS, OTHER)


class Field(NamedTuple):
    """A field: ``name`` is the verb's argument; ``fill`` names what `action_fields` makes of the item for it."""

    name: str
    label: str
    kind: FieldKind
    required: bool = False
    help: str = ""
    fill: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    multiple: bool = False
    columns: tuple[tuple[str, str, str], ...] = ()  # of each line: name, label, kind; joined as ``pattern``
    pattern: str = ""


class Form(NamedTuple):
    """An action; ``kinds``: what it writes on this item; ``subject``: the chain it may have to go through.

    ``part`` is the part of a rules profile it goes by. ``vary``: the field of which each choice is tried by itself.
    ``sought``: what people look for also where it is not possible now. ``on_case``: for approval cases too.
    """

    id: str
    verb: str
    label: str
    group: str
    kinds: tuple[Kind, ...]
    fields: tuple[Field, ...] = ()
    fixed: Mapping[str, object] = {}  # never written to
    danger: bool = False
    subject: str = ""
    part: str = ""
    vary: str = ""
    sought: bool = False
    on_case: bool = False


def _text(label: str, *, required: bool = True, name: str = "text", help_: str = "") -> Field:
    return Field(name, label, "longtext", required, help_)


def _due(label: str, fill: str, *, required: bool = False, name: str = "due") -> Field:
    return Field(name, label, "date", required, fill=fill)


_REASON = Field("reason", "理由", "longtext", required=True)
_FILES = Field("attach", "附件", "files", multiple=True)
_OCCURRED = Field("occurred", "实际发生日期", "date", help="补录用；只供查阅，不用于判断逾期", fill="past")
_UNIT = Field("unit", "内设机构", "units", fill="own_unit")
_TO = Field("to", "承办单位", "offices", required=True, multiple=True, fill="receivers")
_LEAD = Field("lead", "牵头单位", "offices", help="从承办单位中选一个，其余为协办；不选时分别办理")
_NOTE = _text("说明", required=False)
_STEPS = (("key", "序号", "text"), ("title", "节点内容", "text"), ("due", "时限", "date"))
_LINE = (("key", "序号", "text"), ("text", "整改要求", "text"), ("unit", "责任单位", "text"),
         ("leader", "牵头领导", "text"), ("due", "时限", "date"))  # fmt: skip
_DUTY = Field("duty", "各级责任人", "lines", columns=(("key", "层级", "text"), ("value", "姓名", "text")),
              pattern="{key}={value}")  # fmt: skip
_INSTEAD = Field("instead", "改由：原承办机构", "choice", help="选中的不再承办；不选的，各机构都承办", fill="held")
_CHANNELS = (("notice", "催办通知"), ("phone", "电话"), ("visit", "上门"))
_MODES = (("redo", "重办"), ("supplement", "补办"))
_TITLE = Field("title", "标题", "text", required=True)
_RULE = Field("rule", "问责情形", "choice", help="依据规则档案中的哪一情形", fill="measures")

_HANDLE: tuple[Form, ...] = (
    Form("sign", "item.sign", "签收", HANDLING, (Kind.SIGN,), (_OCCURRED,), sought=True),
    Form("refuse", "item.refuse", "退签", HANDLING, (Kind.REFUSE,), (_REASON,), danger=True),
    Form("handle", "item.handle", "内部交办", HANDLING, (Kind.HANDLE,), (
        Field("unit", "承办机构", "units", required=True, fill="units"), Field("person", "承办人员", "text"),
        _due("内部时限", "own_due"),
        _DUTY, _INSTEAD, _NOTE,
    ), subject="setup"),
    Form("decompose", "item.decompose", "分解", HANDLING, (Kind.DECOMPOSE,), (
        _TO, _LEAD, Field("title", "任务名称", "text", help="不写时同本任务"),
        _text("要求", required=False, name="requirement", help_="不写时同本任务"),
        _due("办结时限", "below_due"), _FILES,
    ), subject="setup", sought=True),
    Form("assign", "item.assign", "交办", HANDLING, (), (_TO, _LEAD, _due("办结时限", "below_due"), _DUTY),
         subject="setup", sought=True),
    Form("report", "item.report", "进展填报", HANDLING, (Kind.PROGRESS,), (
        _text("进展情况"), Field("percent", "进度（%）", "number", help="0至100的整数", fill="percent"),
        Field("part", "定期报告各部分", "lines", fill="report_parts", pattern="{key}={value}"),
        _UNIT, _FILES, _OCCURRED,
    ), part="reports", sought=True),
    Form("milestone.done", "item.milestone", "节点完成", HANDLING, (Kind.MILESTONE,), (
        Field("done", "节点", "choice", required=True, fill="open_milestones"), _NOTE,
    )),
    Form("milestone", "item.milestone", "设置节点", HANDLING, (Kind.MILESTONE,), (
        Field("key", "序号", "text", required=True), _TITLE, _due("节点时限", "own_due", required=True), _NOTE,
    )),
    Form("submit", "item.submit", "报送审核", HANDLING, (Kind.FINAL,), (
        _text("办结情况"), Field("answer", "分项答复", "lines", fill="answers", pattern="{key}={value}"),
        _UNIT, _FILES,
    ), subject="report", sought=True),
    Form("extend", "item.extend", "申请延期", HANDLING, (Kind.EXT_REQUEST,), (
        _due("希望延到", "wanted", required=True, name="until"), _REASON,
        _text("目前进展", required=False, name="progress"),
    ), part="extension", sought=True),
    Form("justify", "item.justify", "说明理由", HANDLING, (Kind.JUSTIFY,), (_text("理由"),)),
    Form("rectify.report", "item.rectify", "报告整改", HANDLING, (Kind.RECTIFY,), (
        Field("report", "已整改的", "choice", required=True, multiple=True, fill="open_lines"), _NOTE, _FILES,
    )),
    Form("warn", "item.warn", "预警", HANDLING, (Kind.WARN,), (
        _text("内容"), Field("unit", "被预警的机构", "units", fill="units"),
    )),
)  # fmt: skip
_FINDING = Field("finding", "复核结论", "lines", fill="findings", pattern="{key}={value}",
                 help="逐项写是或否")  # fmt: skip
_REVIEW: tuple[Form, ...] = (
    Form("propose", "item.propose", "拟办", REVIEW, (Kind.PROPOSE,), (_text("拟办意见"), _FILES), subject="setup",
         on_case=True),
    Form("case.open", "case.open", "送审", REVIEW, (), (
        Field("subject", "送审内容", "choice", required=True, fill="subjects"),
        _text("送审稿", help_="督办令、通报、专报、上报的，写发出的原文；审定后照此办理"),
        _due("时限", "from_today"), Field("answer", "分项答复", "lines", fill="answers_maybe", pattern="{key}={value}"),
        _FILES,
    ), vary="subject"),
    Form("approve", "item.approve", "审批同意", REVIEW, (Kind.APPROVE,), (_text("意见", required=False),),
         on_case=True),
    Form("reject", "item.reject", "审批退回", REVIEW, (Kind.REJECT,), (_REASON,), danger=True, on_case=True),
    Form("establish", "item.establish", "立项", REVIEW, (Kind.ESTABLISH,), (_text("意见", required=False),),
         subject="setup", sought=True),
    Form("plan", "item.plan", "拟订方案", REVIEW, (Kind.PLAN,), (
        _text("方案"), Field("milestone", "节点", "lines", columns=_STEPS, pattern="{key}={title}@{due}"), _FILES,
    ), subject="plan"),
    Form("decline", "item.decline", "不予立项", REVIEW, (Kind.DECLINE,), (_REASON,), danger=True, on_case=True),
    Form("merge", "item.merge", "并案", REVIEW, (Kind.MERGE,), (
        Field("into", "并入的事项", "text", required=True, help="本单位登记的未结事项的登记编号", fill="into"), _NOTE,
    ), danger=True),
    Form("accept", "item.accept", "审核通过", REVIEW, (Kind.ACCEPT,), (_text("审核意见", required=False), _FILES),
         subject="accept", sought=True),
    Form("return", "item.return", "退回重办/补办", REVIEW, (Kind.RETURN,), (
        Field("mode", "方式", "choice", required=True, choices=_MODES), _REASON, _due("新的办结时限", "return_due"),
    ), danger=True),
    Form("verify.start", "item.verify", "开始复核", REVIEW, (Kind.VERIFY,), (_NOTE,), {"start": True}, part="closing"),
    Form("verify.passed", "item.verify", "复核通过", REVIEW, (Kind.VERIFY,), (_FINDING, _NOTE, _FILES),
         {"passed": True}, part="closing"),
    Form("verify.failed", "item.verify", "复核不通过", REVIEW, (Kind.VERIFY,), (_text("问题"), _FILES),
         {"failed": True}, part="closing"),
    Form("complete", "item.complete", "认定办结", REVIEW, (Kind.COMPLETE,), (_NOTE,), part="closing", sought=True),
    Form("close", "item.close", "销号", REVIEW, (Kind.CLOSE,), (_NOTE,), part="closing", sought=True, danger=True),
    Form("archive", "item.archive", "归档", REVIEW, (Kind.ARCHIVE,), (
        Field("paper", "纸质件存放处", "lines", fill="papers", pattern="{key}={value}"), _NOTE,
    ), part="closing", sought=True),
    Form("reinspect", "item.reinspect", "回头看", REVIEW, (Kind.REINSPECT,), (
        Field("hidden", "四不两直", "bool", help="公布结果前，承办单位看不到"), _NOTE,
    )),
    Form("reinspect.passed", "item.reinspect", "回头看：无问题", REVIEW, (Kind.REINSPECT,), (_NOTE,), {"passed": True}),
    Form("reinspect.failed", "item.reinspect", "回头看：问题成立", REVIEW, (Kind.REINSPECT,), (_text("问题"),),
         {"failed": True}, danger=True),
)  # fmt: skip
_SUPERVISE: tuple[Form, ...] = (
    Form("urge", "item.urge", "催办", SUPERVISION, (Kind.URGE,), (
        _text("催办内容"), Field("channel", "方式", "choice", required=True, choices=_CHANNELS), _OCCURRED,
    ), sought=True),
    Form("grant", "item.grant", "同意延期", SUPERVISION, (Kind.EXT_DECISION,), (
        _due("新的办结时限", "granted", name="until"), _NOTE,
    ), subject="extension", part="extension"),
    Form("deny", "item.deny", "不同意延期", SUPERVISION, (Kind.EXT_DECISION,), (_REASON,), part="extension"),
    Form("note", "item.note", "记为已说明", SUPERVISION, (Kind.EXT_DECISION,), (_NOTE,), part="extension"),
    Form("slip", "item.slip", "督办单", SUPERVISION, (Kind.SLIP,), (
        Field("colour", "颜色", "choice", required=True, fill="colours", help="逐级发出"), _text("要求"),
        Field("state", "须写明", "lines", fill="must_state", pattern="{key}={value}"),
        _due("完成时限", "from_today", required=True),
        Field("fact", "认定的事由", "choice", multiple=True, fill="stated"),
    ), vary="colour", part="ladder", sought=True),
    Form("judge.justified", "item.judge", "认定有正当理由", SUPERVISION, (Kind.JUSTIFY_DECISION,), (_REASON,),
         {"justified": True}, part="ladder"),
    Form("judge.unjustified", "item.judge", "认定无正当理由", SUPERVISION, (Kind.JUSTIFY_DECISION,), (_REASON,),
         {"unjustified": True}, part="ladder"),
    Form("reassign", "item.reassign", "改派", SUPERVISION, (Kind.REASSIGN,), (
        _TO._replace(label="新的承办单位", multiple=False), _text("说明", required=False, name="reason"),
    ), danger=True),
    Form("insist", "item.insist", "坚持交办", SUPERVISION, (Kind.INSIST,), (_REASON,)),
    Form("exempt", "item.exempt", "免除", SUPERVISION, (Kind.EXEMPT,), (_REASON,), danger=True),
    Form("change", "item.change", "变更时限", SUPERVISION, (Kind.CHANGE,), (
        _due("新的办结时限", "changed", required=True), _REASON,
    ), sought=True),
    Form("change.frequency", "item.change", "变更报告频次", SUPERVISION, (Kind.CHANGE,), (
        Field("frequency", "报告规则", "choice", required=True, fill="frequencies"), _REASON,
    ), vary="frequency"),
    Form("change.clear", "item.change", "变更：已明确", SUPERVISION, (Kind.CHANGE,), (_REASON,), {"clear": True}),
    Form("rectify", "item.rectify", "列整改清单", SUPERVISION, (Kind.RECTIFY,), (
        Field("line", "整改事项", "lines", required=True, columns=_LINE,
              pattern="{key}={text}@{unit}@{leader}@{due}"),
        _NOTE, _FILES,
    )),
    Form("rectify.clear", "item.rectify", "整改销号", SUPERVISION, (Kind.RECTIFY,), (
        Field("clear", "销去的", "choice", required=True, multiple=True, fill="uncleared"),
        Field("text", "核实情况", "longtext", help="承办单位未报告整改完成的，须写明", fill="verified"),
    )),
    Form("score", "item.score", "考核记分", SUPERVISION, (Kind.SCORE,), (
        Field("rule", "记分规则", "choice", required=True, fill="scores"),
        Field("cause", "事由（记录）", "choice", required=True, fill="records"),
        Field("points", "分值", "text", help="规则已定的不写；扣分写负数"),
    ), vary="rule"),
    Form("score.adopt", "item.score", "采用记分建议", SUPERVISION, (Kind.SCORE,), (
        Field("adopt", "记分建议", "choice", required=True, fill="proposed_scores"), _NOTE,
    )),
    Form("score.drop", "item.score", "不采用记分建议", SUPERVISION, (Kind.SCORE,), (
        Field("drop", "记分建议", "choice", required=True, fill="proposed_scores"), _NOTE,
    )),
    Form("reveal", "item.reveal", "公布隐蔽督查结果", SUPERVISION, (Kind.CHANGE,), (_text("督查结果"), _FILES)),
    Form("cancel", "item.cancel", "撤销", SUPERVISION, (Kind.CANCEL,), (_REASON,), danger=True, on_case=True),
)  # fmt: skip
_PUBLISH: tuple[Form, ...] = (
    Form("order", "item.order", "督办令", PAPERS, (Kind.ORDER,), (
        _text("任务和要求"), _due("完成时限", "above_due", required=True),
        Field("number", "编号", "text", help="不写时自动编号"), Field("handover", "领受", "text"), _FILES,
    ), subject="order"),
    *(
        Form(f"notice.{word}", "item.notice", label, PAPERS, (Kind.NOTICE,), (
            Field("title", "标题", "text"), _text("内容"),
            Field("to", "点名的单位", "choice", multiple=True, fill="named"),
            _due("限期整改时限", "from_today"), _FILES,
        ), {word: True}, danger=word == "criticise", subject="notice")
        for word, label in (("praise", "通报表扬"), ("criticise", "通报批评"))
    ),
    *(
        Form(f"media.{word}", "item.notice", label, PAPERS, (Kind.NOTICE,), (
            Field("media", "媒体", "text", required=True), _text("内容"),
            Field("person", "责任人", "text", required=word == "criticise"),
            Field("to", "有关单位", "choice", multiple=True, fill="named"), _FILES,
        ), {word: True}, danger=word == "criticise", subject="notice")
        for word, label in (("praise", "媒体报道"), ("criticise", "媒体曝光"))
    ),
    Form("bulletin", "item.bulletin", "督查简报", PAPERS, (Kind.BULLETIN,), (_TITLE, _text("内容"), _FILES)),
    Form("special", "item.special", "专报", PAPERS, (Kind.SPECIAL,), (_TITLE, _text("内容"), _FILES),
         subject="special"),
    Form("interview", "item.interview", "约谈", PAPERS, (Kind.INTERVIEW,), (
        Field("person", "被约谈人", "text", required=True), _text("内容"), _OCCURRED,
    )),
    Form("refer", "item.refer", "问责线索", PAPERS, (), (
        _text("内容"), Field("to", "移交何处", "text"), _RULE, _FILES,
    ), danger=True, part="measures"),
    Form("negative", "item.negative", "列入负面清单", PAPERS, (), (
        _text("内容"), Field("from", "由谁提供", "choice", fill="suppliers"), _RULE, _FILES),
         danger=True, part="measures"),
)  # fmt: skip
_ELSE: tuple[Form, ...] = (
    Form("attach", "item.attach", "上传附件", OTHER, (Kind.EVIDENCE,), (_FILES._replace(required=True),), on_case=True),
    Form("correct", "item.correct", "更正", OTHER, (Kind.CORRECT,), (
        Field("record", "要更正的记录", "choice", required=True, fill="own_records"), _text("更正为"),
    ), on_case=True),
)  # fmt: skip

FORMS: tuple[Form, ...] = (*_HANDLE, *_REVIEW, *_SUPERVISE, *_PUBLISH, *_ELSE)
