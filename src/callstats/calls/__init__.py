"""What happened in this call? The read model behind page, API and command line.

``judge`` puts a call together from the store's rows, ``read`` prefers what was concluded,
``conclusions`` writes that down, ``open`` reads from anywhere. The JSON form is in ``model``.
"""

from callstats.calls.bridges import STEPS, Bridge, Load, bridges
from callstats.calls.errors import NoAnswer, NotAllowed, UnknownCall
from callstats.calls.folder import FolderSource
from callstats.calls.http import HttpSource
from callstats.calls.judging import judge
from callstats.calls.model import (
    Call,
    Connection,
    Feedback,
    Figures,
    Happening,
    Head,
    Issue,
    Listed,
    Participant,
    Series,
    Setup,
    StateChange,
    Stream,
)
from callstats.calls.reading import listing, read, reports, series, timeline
from callstats.calls.recent import Recent
from callstats.calls.rows import conclusions
from callstats.calls.source import Source
from callstats.calls.source import open_source as open  # noqa: A004 - read as calls.open
from callstats.quality import Score, Verdict, Word

__all__ = [
    "STEPS",
    "Bridge",
    "Call",
    "Connection",
    "Feedback",
    "Figures",
    "FolderSource",
    "Happening",
    "Head",
    "HttpSource",
    "Issue",
    "Listed",
    "Load",
    "NoAnswer",
    "NotAllowed",
    "Participant",
    "Recent",
    "Score",
    "Series",
    "Setup",
    "Source",
    "StateChange",
    "Stream",
    "UnknownCall",
    "Verdict",
    "Word",
    "bridges",
    "conclusions",
    "judge",
    "listing",
    "open",
    "read",
    "reports",
    "series",
    "timeline",
]
