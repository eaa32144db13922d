"""Back-off of a dialler: exponential with jitter, capped, forgotten at any sign of life. Randomness is handed in."""

from __future__ import annotations

from node.sync.limits import LinkLimits


class Backoff:
    """Counts failures in a row and says how long to wait."""

    def __init__(self, limits: LinkLimits) -> None:
        """No failure yet."""
        self._limits = limits
        self._failures = 0

    def alive(self) -> None:
        """Any sign of life of the neighbour: start over."""
        self._failures = 0

    def next_ms(self, jitter: float) -> int:
        """Milliseconds to wait before the next try; ``jitter`` is uniform in [0, 1).

        The first wait is at most backoff_first_ms, later ones double; each is between half and the whole of its bound.
        """
        bound = min(self._limits.backoff_first_ms << min(self._failures, 20), self._limits.backoff_max_ms)
        self._failures += 1
        return int(bound * (0.5 + jitter / 2))
