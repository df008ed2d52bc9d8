"""What does a page load? The scripts of this folder, served as they are but for their comments.

``callstats.js`` is the library, as a classic script (global and AMD). ``callstats.mjs`` is the same
for ``import``. The other two are parts that ``callstats.js`` loads for the few pages that use them.
"""

import re
from functools import cache
from importlib import resources

PATHS = {
    "/callstats.js": "callstats.js",
    "/static/callstats.min.js": "callstats.js",
    "/static/callstats-ws.min.js": "callstats.js",
    "/callstats.mjs": "callstats.mjs",
    "/callstats-figures.mjs": "callstats-figures.mjs",
    "/callstats-precall.mjs": "callstats-precall.mjs",
}
"""Which file answers at which path; two paths are those of the old service's servers."""
MEDIA_TYPE = "text/javascript; charset=utf-8"

_LICENCE = re.compile(r"\A/\*!.*?\*/\n", re.DOTALL)
_COMMENT = re.compile(r"^\s*(//|/?\*).*\n|\s+// .*$|^\s+|^\n", re.MULTILINE)
"""A line that is a comment (or a blank one), a comment behind code, indentation."""


@cache
def script(name: str) -> bytes:
    """Return a script as it is served: its licence line, and its code without comments.

    This relies on how these files are written: no text that spans lines, none that holds `` // ``.
    """
    text = (resources.files(__package__) / name).read_text("utf-8")
    head = _LICENCE.match(text)
    licence = head.group(0) if head else ""
    return (licence + _COMMENT.sub("", text.removeprefix(licence))).encode()


__all__ = ["MEDIA_TYPE", "PATHS", "script"]
