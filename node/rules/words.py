"""The words a rules profile may use, each with its Chinese label. Adding one is compatible; none is ever reused.

A profile is data, so what it can name must be finite: the events a limit starts from, the acts it limits, the facts a
slip needs, the effects it has. Everything else (roles, sources, classes, ledgers) a profile declares itself.
"""

from __future__ import annotations

# What a limit is counted from (A3: each rule names its start event).
START_EVENTS: dict[str, str] = {
    "REGISTER": "登记", "PROPOSE": "拟办审定", "ESTABLISH": "立项", "PLAN": "方案批准", "ASSIGN": "交办",
    "DISPATCH": "督查函发出", "DELIVERED": "送达", "SIGN": "签收", "UPPER_ASSIGNED": "上级交办", "DECIDED": "领导指示",
    "RECEIVED": "收到文件", "ISSUED": "会议召开或文件下发", "MEETING_ENDED": "会议结束",
    "SESSION_ENDED": "学习解读会结束", "INSPECTION_STARTED": "督查活动开始", "INSPECTION_ENDED": "督查活动结束",
    "REPORT_APPROVED": "专题报告审批完毕", "RESEARCH_STARTED": "调研开始",
    "RESEARCH_INSTRUCTED": "领导在调研报告上批示",
    "YEAR_TASK_DONE": "当年办理任务完成", "OCCURRED": "事件发生", "FINAL": "办结报告", "CLOSE": "销号",
    "SLIP": "督办单发出", "ORDER": "督办令发出", "NOTICE": "通报发出", "PERIOD": "周期",
}  # fmt: skip

# What has to be done by then.
ACTS: dict[str, str] = {
    "propose": "拟办", "establish": "立项", "plan": "制定方案", "announce": "印发督查通知", "inspect": "开展督查活动",
    "inspection_report": "督查情况报告", "notice": "印发通报", "sign": "签收", "finish": "办结", "report": "报告",
    "answer": "答复", "feedback": "反馈", "minutes": "形成会议纪要", "research": "督查调研",
    "forward": "通报或转办批示",
    "study": "学习解读", "verify": "复核", "archive": "归档", "dispatch_meeting": "调度", "ledger": "台账核查",
    "joint_inspection": "集中督查", "annual_plan": "年度督查计划", "explain": "说明原因", "rectify": "整改",
}  # fmt: skip

STRENGTHS: dict[str, str] = {"must": "必须", "general": "一般", "principle": "原则上", "none": "无硬性时限"}
RED_STRENGTHS = ("must", "general")  # only these make a red light (A14)

VERBS = ("审核", "审定", "审批", "审签", "会签", "签发", "审示", "同意", "请示", "阅示", "签字")

SUBJECTS: dict[str, str] = {
    "setup": "立项", "plan": "督查方案", "report": "上报", "accept": "审核办结报告", "extension": "延期",
    "order": "督办令", "notice": "通报", "special": "专题报告", "research": "督查调研", "minutes": "会议纪要",
    "annual_plan": "年度督查计划", "offplan": "计划外督查",
}  # fmt: skip

ORIGINS: dict[str, str] = {
    "own": "本级", "upper": "上级", "nation": "国家", "province": "省", "city": "市", "county": "县",
}  # fmt: skip

LINES: dict[str, str] = {
    "decision": "决策督查", "handling": "专项查办", "special": "专项督办", "proposal": "建议提案办理",
    "research": "督查调研", "order": "督办令", "meeting": "会议议定事项", "rectify": "整改", "offplan": "计划外督查",
}  # fmt: skip

COVERS: dict[str, str] = {
    "": "", "previous_week": "上一周", "previous_month": "上一月", "previous_quarter": "前一季度",
    "previous_half_year": "前半年", "week": "本周", "month": "本月", "quarter": "本季度", "half_year": "本半年",
    "year": "本年度",
}  # fmt: skip

COLOURS: dict[str, str] = {"white": "白", "blue": "蓝", "yellow": "黄", "orange": "橙", "red": "红"}

FACTS: dict[str, str] = {
    "no_progress": "无进展", "slow_progress": "进展缓慢", "overdue": "规定时限内未完成",
    "below_standard": "结果达不到标准要求",
    "not_justified": "无正当理由", "not_improved": "屡督不动或无实质性改进", "perfunctory": "工作敷衍了事且质量较差",
}  # fmt: skip

EFFECTS: dict[str, str] = {
    "remind": "提醒", "warn": "警告", "rectify": "责令限期整改", "red_light": "亮红灯", "score": "记分",
    "disqualify": "取消评选资格", "refer": "移交", "criticise": "批评", "interview": "约谈", "redo": "限期再办",
    "account": "追究责任",
}  # fmt: skip

EXTENSION_MODES: dict[str, str] = {"notify_only": "只报告说明，原时限不变", "approval": "经批准改定时限"}

FINDINGS: dict[str, str] = {
    "clarified": "情况是否查明", "rectified": "整改是否到位", "satisfied": "群众是否满意", "solved": "问题是否解决",
}  # fmt: skip

HANDLERS: dict[str, str] = {
    "organ": "督查机构组织督查", "joint": "督查机构会同业务处室", "section": "业务处室具体实施",
}  # fmt: skip

LEDGER_COLUMNS: dict[str, str] = {
    "number": "登记编号", "title": "事项", "source": "来源", "basis": "依据", "assigned": "交办时间", "due": "办结时限",
    "lead": "牵头部门", "assist": "配合部门", "schedule": "时序进度", "measures": "工作措施", "person": "责任人",
    "leader": "牵头领导", "state": "状态", "light": "时限灯", "slip": "督办单颜色", "remark": "备注",
}  # fmt: skip

HORIZONS: dict[str, str] = {
    "long": "中长期任务", "year": "年度任务", "phase": "阶段性任务", "urgent_phase": "特别重要的阶段性任务",
}  # fmt: skip

LEVELS = ("国", "省", "市", "县", "乡")
SCOPES: dict[str, str] = {"public": "公开", "handlers": "承办可见", "own": "本级", "leaders": "领导"}

# 六级负责 (R14), from the bottom, where a profile names no levels of its own.
SIX_LEVELS: dict[str, str] = {
    "dept.staff": "工作人员", "dept.section": "科室负责人", "dept.deputy": "部门分管负责人",
    "dept.head": "部门主要负责人", "leader.matter": "政府分管领导", "leader.head": "政府主要领导",
}  # fmt: skip
