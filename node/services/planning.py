"""年度督查计划, duplicate check, 督查调研, 回头看 and unannounced inspections."""

from __future__ import annotations

from collections.abc import Mapping

from node.services.verbs import Command, Question

COMMANDS: Mapping[str, Command] = {}
QUESTIONS: Mapping[str, Question] = {}
