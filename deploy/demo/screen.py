"""The demonstration's screen: the province's whole-process table filling, and what is happening, in Chinese."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

_LIGHTS = {"green": "绿", "yellow": "黄", "red": "红", "done": "办结", "none": "—"}
_STYLES = {"green": "green", "yellow": "yellow", "red": "red", "done": "cyan", "none": "dim"}


class Screen:
    """A live table on a terminal, plain lines elsewhere."""

    def __init__(self, names: dict[str, str]) -> None:
        """``names``: office names by code."""
        self.console = Console(soft_wrap=False, highlight=False, width=None if Console().is_terminal else 110)
        self._names = names
        self._live = Live(console=self.console, refresh_per_second=4) if self.console.is_terminal else None
        self._said: list[str] = []
        self._states: dict[str, str] = {}
        self._rows: list[dict[str, Any]] = []
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        """Start drawing."""
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Leave the last picture on the terminal."""
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        """Say what is happening."""
        line = f"[{time.monotonic() - self._started:5.1f} 秒] {text}"
        self._said.append(line)
        if self._live:
            self._draw()
        else:
            self.console.print(line, markup=False)

    def show(self, rows: list[dict[str, Any]]) -> None:
        """The province's list as it is now."""
        changed = [row for row in rows if self._states.get(row["id"]) != _key(row)]
        for row in changed:
            self._states[row["id"]] = _key(row)
        moved = {row["id"] for row in changed}
        self._rows = [row for row in self._rows if row["id"] not in moved] + changed
        by_id = {row["id"]: row for row in rows}
        self._rows = [by_id.get(row["id"], row) for row in self._rows]
        if self._live:
            self._draw()
        else:
            for row in changed:
                if row["kind"] == "assignment":
                    self.console.print("          " + "  ".join(self._cells(row)), markup=False)

    def lines(self, title: str, lines: Iterable[str]) -> None:
        """Lines that are to be copied: never cut, above the live picture."""
        self.console.print(title, markup=False)
        for line in lines:
            self.console.print(f"  {line}", markup=False, soft_wrap=True)

    def whole(self, rows: list[dict[str, Any]], title: str) -> None:
        """Print the whole table."""
        self.console.print(self._table(rows, title))

    def _draw(self) -> None:
        assert self._live is not None  # noqa: S101 - only called on a terminal
        room = max(6, self.console.height - len(self._said[-6:]) - 8)
        rows = [row for row in self._rows if row["kind"] == "assignment"][-room:]
        counts = self._counts()
        self._live.update(
            Group(self._table(rows, f"江苏省：全过程（{counts}）"), *(f"[dim]{line}[/dim]" for line in self._said[-6:]))
        )

    def _counts(self) -> str:
        tasks = [row for row in self._rows if row["kind"] == "assignment"]
        closed = sum(row["state"] == "closed" for row in tasks)
        return f"任务 {len(tasks)}，已销号 {closed}"

    def _table(self, rows: list[dict[str, Any]], title: str) -> Table:
        table = Table(title=title, expand=False)
        for name in ("单位", "事项", "状态", "灯", "进度", "数据截至"):
            table.add_column(name, no_wrap=True, overflow="ellipsis")
        for row in rows:
            cells = self._cells(row)
            style = _STYLES.get(row["light"], "")
            table.add_row(cells[0], cells[1], cells[2], f"[{style}]{cells[3]}[/{style}]", cells[4], cells[5])
        return table

    def _cells(self, row: dict[str, Any]) -> list[str]:
        as_of = (row["as_of"] or "尚无")[11:19] if row["as_of"] else "尚无"
        depth = "  " * max(0, row["number"].count("/") - 1)
        office = depth + self._names.get(row["receiver"], row["receiver"])
        title = f"{row['number'].split('/')[0]} {row['title'][:22]}"
        return [office, title, row["state_label"], _LIGHTS.get(row["light"], "—"), f"{row['percent']}%", as_of]


def _key(row: dict[str, Any]) -> str:
    return f"{row['state_label']}|{row['light']}|{row['percent']}"
