"""How much came in, and what became of it? Counters by name, logged now and then."""

import logging
from collections import Counter

logger = logging.getLogger(__name__)


class Counts:
    """Counts what happens under names such as ``batches`` and ``refused: wrong form``."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._logged: Counter[str] = Counter()

    def add(self, name: str, number: int = 1) -> None:
        """Count one more, or ``number`` more."""
        self._counts[name] += number

    def get(self, name: str) -> int:
        """Return how often the name was counted."""
        return self._counts[name]

    def log(self) -> None:
        """Write one line with what changed since the last one, if anything did."""
        new = self._counts - self._logged
        if new:
            shown = ", ".join(f"{name} {new[name]}" for name in sorted(new))
            logger.info("counted: %s", shown)
        self._logged = self._counts.copy()
