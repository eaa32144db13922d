"""台账: the six of R92, 综合台账, departments' and leaders', as queries and tables."""

from __future__ import annotations

from collections.abc import Mapping

from node.services.verbs import Command, Question

COMMANDS: Mapping[str, Command] = {}
QUESTIONS: Mapping[str, Question] = {}
