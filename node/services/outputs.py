"""What a step produced for the outside: carried out only after its transaction is committed (I2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from node.sync.frames import Frame


@dataclass(slots=True)
class Outputs:
    """Frames by session in order, sessions to close, callbacks (answers to commands, wake-ups)."""

    frames: list[tuple[int, Frame]] = field(default_factory=list)
    closes: list[tuple[int, str]] = field(default_factory=list)
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    established: list[str] = field(default_factory=list)  # neighbours proved to be who they should be
    failed: list[tuple[Callable[[], None], Exception]] = field(default_factory=list)  # events that were left out
    again: bool = False  # there is more to do at once: take another step
