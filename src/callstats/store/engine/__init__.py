"""Where does the embedded engine run? In a process of its own, one for each data folder.

The engine is ClickHouse as a library (chDB). A crash inside it spares the collector, and the
command line can ask while a server writes. ``Engine`` starts that process, watches it and starts
it again; ``python -m callstats.store.engine FOLDER`` is the process itself, and the only one that
loads the library.
"""

from callstats.store.engine.folder import USER, Address, read_address
from callstats.store.engine.supervisor import Engine

__all__ = ["USER", "Address", "Engine", "read_address"]
