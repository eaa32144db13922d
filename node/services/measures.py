"""What is done beside the plain way of a task: 延期, 督办单, 整改, 通报, 复核, 记分 and more."""

from __future__ import annotations

from collections.abc import Mapping

from node.services.verbs import Command, Question

COMMANDS: Mapping[str, Command] = {}
QUESTIONS: Mapping[str, Question] = {}
