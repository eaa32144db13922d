"""Rules profiles and the calendar: shown, checked, published, explained."""

from __future__ import annotations

from collections.abc import Mapping

from node.services.verbs import Command, Question

COMMANDS: Mapping[str, Command] = {}
QUESTIONS: Mapping[str, Question] = {}
