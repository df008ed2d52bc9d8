"""Make docs/reference/callstats-class.md from the cases in conformance/callstats_class.

python scripts/make_callstats_class_page.py          writes the page
python scripts/make_callstats_class_page.py --check  says whether it is as it should be
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
CASES = ROOT / "conformance" / "callstats_class"
PAGE = ROOT / "docs" / "reference" / "callstats-class.md"
BEYOND = "Z"
HEAD = """\
# The class `CallStats`

`callstats.CallStats` is the class by which Jitsi Meet reported from 2017 to 2023, for Python. This
page says what the original did, statement by statement, and what ours does: **kept**, or
**changed** and why. It is made from the cases in `conformance/callstats_class/`, which
`make test` plays on the class; `scripts/make_callstats_class_page.py` writes it.

How to use the class: [From callstats.io to your own server](../guides/from-callstats-io.md).
"""
KINDS = """
*Contract*: applications rely on it. *Oddity*: harmless, and nothing should rely on it. *Defect*:
what went wrong in the original. BUG1 to BUG24 number its defects; the table at the end says where
each is shown.
"""


def sections() -> list[dict[str, Any]]:
    """Return the sections in order, each with its cases."""
    paths = sorted(CASES.glob("*.json"))
    return [json.loads(path.read_text()) for path in paths]


def page() -> str:
    """Return the whole page."""
    parts = sections()
    known = [section for section in parts if section["section"] != BEYOND]
    beyond = [section for section in parts if section["section"] == BEYOND]
    return "\n".join(
        [HEAD, summary(known), *map(table, known), *map(table, beyond), defects(parts)]
    )


def summary(known: list[dict[str, Any]]) -> str:
    """Return the counts as a table: kinds down, outcomes across."""
    counts = Counter((case["kind"], case["outcome"]) for part in known for case in part["cases"])
    lines = ["| | kept | changed | all |", "|---|--:|--:|--:|"]
    for kind in ("contract", "oddity", "defect"):
        kept, changed = counts[kind, "kept"], counts[kind, "changed"]
        lines.append(f"| {kind} | {kept} | {changed} | {kept + changed} |")
    kept = sum(count for (_, outcome), count in counts.items() if outcome == "kept")
    lines.append(f"| **all** | **{kept}** | **{counts.total() - kept}** | **{counts.total()}** |")
    return "\n".join([*lines, KINDS])


def table(section: dict[str, Any]) -> str:
    """Return one section as a table."""
    title = section["title"]
    heading = title if section["section"] == BEYOND else f"{section['section']}. {title}"
    rows = [row(case) for case in section["cases"]]
    head = "| id | what the original did | kind | ours |"
    return "\n".join([f"## {heading}", "", head, "|---|---|---|---|", *rows, ""])


def row(case: dict[str, Any]) -> str:
    """Return one case as a row."""
    kind = ", ".join([case["kind"], *case.get("bugs", ())])
    ours = f"**{case['outcome']}**"
    for key in ("now", "python"):
        if key in case:
            ours += f" {case[key]}"
    return "| " + " | ".join(map(escape, (case["id"], case["statement"], kind, ours))) + " |"


def defects(parts: list[dict[str, Any]]) -> str:
    """Return which cases show what became of each defect."""
    shown: dict[int, list[str]] = {}
    for part in parts:
        for case in part["cases"]:
            for bug in case.get("bugs", ()):
                shown.setdefault(int(bug.removeprefix("BUG")), []).append(case["id"])
    rows = [f"| BUG{number} | {', '.join(ids)} |" for number, ids in sorted(shown.items())]
    return "\n".join(["## Defects", "", "| defect | cases |", "|---|---|", *rows, ""])


def escape(text: str) -> str:
    """Return a text that does not break a table."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv[1:]:
        is_right = PAGE.exists() and PAGE.read_text() == page()
        print("as it should be" if is_right else f"{PAGE.name} must be made anew")
        return 0 if is_right else 1
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
