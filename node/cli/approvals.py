"""拟办, 审批, 立项, 方案 and approval cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping

# Groups of commands with their help, and commands by path, as ("item", "extend"), with the heading they stand under.
GROUPS: Mapping[str, str] = {}
COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {}
