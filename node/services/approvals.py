"""拟办, 审批, 立项, 方案: approvals, and the cases in which drafts are approved."""

from __future__ import annotations

from collections.abc import Mapping

from node.services.chains import basis, check_ready, consume, required
from node.services.verbs import Command, Question

__all__ = ["COMMANDS", "QUESTIONS", "basis", "check_ready", "consume", "required"]

COMMANDS: Mapping[str, Command] = {}
QUESTIONS: Mapping[str, Question] = {}
