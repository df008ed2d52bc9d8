"""How does a data folder, or a database, come to the schema that this code knows?

By numbered steps, each done once and noted in the table ``migrations``. Step 1 makes every table as
it is declared today; each later step changes what an older callstats made, in words that do no
harm to a table made today (``ADD COLUMN IF NOT EXISTS``), so that both ways end in one schema.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from callstats.store import tables
from callstats.store.errors import FolderTooNew
from callstats.store.schema import Layout, OneMachine

STEPS: Mapping[int, Sequence[str]] = {}
"""The statements of every step after the first, by number."""

VERSION = max(STEPS, default=1)


class Database(Protocol):
    """What a migration needs of a store."""

    def command(self, sql: str) -> None:
        """Run one statement."""

    def highest_migration(self) -> int:
        """Return the number of the last step done, 0 for none."""


def migrate(database: Database, *, layout: Layout | None = None) -> None:
    """Do the steps that were not done yet; raise FolderTooNew where more were done than known."""
    layout = layout or OneMachine()
    for statement in layout.statements(tables.MIGRATIONS):
        database.command(statement)
    done = database.highest_migration()
    if done > VERSION:
        raise FolderTooNew(found=done, known=VERSION)
    for version in range(done + 1, VERSION + 1):
        for statement in _step(version, layout):
            database.command(statement)
        database.command(_note(version))


def _step(version: int, layout: Layout) -> Sequence[str]:
    if version == 1:
        return [statement for table in tables.ALL for statement in layout.statements(table)]
    return STEPS[version]


def _note(version: int) -> str:
    return f"INSERT INTO migrations (version, at) SELECT {version}, now64(3)"
