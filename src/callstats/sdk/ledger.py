"""What became of each record that was sent? Stored, refused, or kept for another time."""

from collections import Counter
from collections.abc import Iterable

from callstats.sdk.keeper import Keeper
from callstats.sdk.lines import Line, Parcel
from callstats.sdk.notices import Notices
from callstats.sdk.outbox import KEPT, Outbox
from callstats.wire import batch

MAX_CALLS = 1_000
"""Call ids that are remembered; the oldest are forgotten."""

CLOSED = "closed"
NOT_STORED = "not stored"
DEFECT = "defect of the client"


class Ledger:
    """Keeps the outbox, the spool and the counts in step with what the server answers."""

    def __init__(self, outbox: Outbox, client: str, keeper: Keeper | None) -> None:
        self.sent: Counter[str] = Counter()
        self.calls: dict[str, str] = {}
        self.has_given_up = False
        """Whether something could not be sent before the end."""
        self._outbox = outbox
        self._client = client
        self._keeper = keeper
        self._notices = Notices()

    def settle(self, parcel: Parcel, answer: batch.Answer) -> None:
        """Count each record of an answered parcel as sent, or dropped for the server's reason."""
        self._keep_calls(answer.calls)
        # The header is line 1, so the first record of the parcel stands in line 2.
        refused = {refusal.line - 2: refusal.reason for refusal in answer.refused}
        for index, line in enumerate(parcel.lines):
            reason = refused.get(index, NOT_STORED if line.seq > answer.stored else None)
            if reason is None:
                self.sent[line.kind] += 1
            else:
                self._notices.tell("line", f"callstats: the server refused a record: {reason}")
            self._end(parcel, line, reason)
        self._forget(parcel)

    def lose(self, parcel: Parcel, reason: str) -> None:
        """Drop a parcel that the server refused as a whole."""
        self._notices.tell("refused", f"callstats: the server refused a batch: {reason}")
        for line in parcel.lines:
            self._end(parcel, line, reason)
        self._forget(parcel)

    def give_up(self, parcels: Iterable[Parcel]) -> None:
        """Keep on disk what was about to be sent, or drop it.

        What an earlier process left behind is on disk still.
        """
        own = [parcel for parcel in parcels if self._is_own(parcel)]
        fate = self._fate() if own else CLOSED
        for parcel in own:
            for line in parcel.lines:
                self._end(parcel, line, fate)

    def give_up_all(self) -> None:
        """Keep on disk what still waits, or drop it."""
        if len(self._outbox) > 0:
            self._outbox.drop_all(self._fate())

    def lose_all(self, reason: str) -> None:
        """Drop whatever is being sent."""
        self._outbox.end_all(reason)
        if self._keeper is not None:
            self._keeper.forget()

    def _fate(self) -> str:
        """Return the reason for what we end with: it is in the spool, or we were closed."""
        self.has_given_up = True
        return KEPT if self._keeper is not None and self._keeper.keep() else CLOSED

    def _end(self, parcel: Parcel, line: Line, reason: str | None) -> None:
        if line.is_held:
            self._outbox.end([line.seq], reason)
        elif reason is not None and not self._is_own(parcel):
            self._outbox.count(reason)

    def _forget(self, parcel: Parcel) -> None:
        if self._keeper is not None and self._is_own(parcel):
            self._keeper.settle(parcel.lines)

    def _is_own(self, parcel: Parcel) -> bool:
        return parcel.client == self._client

    def _keep_calls(self, calls: dict[str, str]) -> None:
        self.calls.update(calls)
        while len(self.calls) > MAX_CALLS:
            del self.calls[next(iter(self.calls))]
