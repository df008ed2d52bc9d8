"""Stop early, with one clear line, where this Python cannot carry the project."""

import sys

ALLOWED = (3, 11)

if sys.version_info < ALLOWED:
    found = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, ALLOWED))
    sys.exit(
        f"callstats needs Python {wanted} or newer, found {found}; "
        "name another one with `make PYTHON=python3.12 …`"
    )
