"""Back-off of a dialler: exponential with jitter, capped, forgotten at any sign of life. Randomness is handed in."""

from __future__ import annotations

from node.sync.limits import LinkLimits

_REST_MS = 600_000  # between two calls of a copy that was not chosen, and has said everything


class Backoff:
    """Counts failures in a row and says how long to wait."""

    def __init__(self, limits: LinkLimits) -> None:
        """No failure yet."""
        self._limits = limits
        self._failures = 0
        self._displaced = 0

    def alive(self) -> None:
        """Any sign of life of the neighbour: start over."""
        self._failures = 0

    def ended(self, reason: str, lasted_ms: int) -> None:
        """How a link that was up for so long has ended. ``replaced``: another copy of this office has dialled (R3).

        Two copies that dial again at once displace each other for ever, and neither stays long enough to hear of the
        other: so each waits longer every time, whatever life there was. A link that lasted longer than any such wait
        was displaced by a copy that rests: this one calls again at once.
        """
        if lasted_ms > 2 * self._limits.backoff_max_ms:
            self._displaced = 0
        self._displaced = self._displaced + 1 if reason == "replaced" else 0

    @property
    def displaced(self) -> bool:
        """Whether another copy of this office has taken the last link away."""
        return self._displaced > 0

    def chosen(self) -> None:
        """Of two copies this one goes on: it calls at once."""
        self._failures = self._displaced = 0

    def next_ms(self, jitter: float) -> int:
        """Milliseconds to wait before the next try; ``jitter`` is uniform in [0, 1).

        The first wait is at most backoff_first_ms, later ones double; each is between half and the whole of its bound.
        """
        doubled = min(max(self._failures, self._displaced), 20)
        bound = min(self._limits.backoff_first_ms << doubled, self._limits.backoff_max_ms)
        self._failures += 1
        return int(bound * (0.5 + jitter / 2))

    def rest_ms(self, jitter: float) -> int:
        """Milliseconds between two calls of a copy that was not chosen: longer than any wait of the one that was."""
        return int(max(_REST_MS, 5 * self._limits.backoff_max_ms) * (0.5 + jitter / 2))
