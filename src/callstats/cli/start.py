"""How does a command begin, and how does it end? With an exit code and never with a traceback.

This module needs nothing but the SDK's own dependencies, so that it can say what is missing where
only the SDK is installed. Exit codes: 0 done, 1 the world said no, 2 the command line was wrong,
130 interrupted.
"""

import sys
from collections.abc import Sequence

from callstats.errors import CallstatsError

FAILED = 1
INTERRUPTED = 130
"""What a shell says of a command that ended by SIGINT."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command line and leave with its exit code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, the process's own by default, and return the exit code."""
    try:
        return _dispatch(arguments)
    except CallstatsError as error:
        return _complain(str(error))
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "callstats":
            raise
        return _complain(
            f"this command needs the package {missing.name}: pip install 'callstats[server]'"
        )
    except OSError as error:
        about = f" ({error.filename})" if error.filename else ""
        return _complain(f"{(error.strerror or str(error)).lower()}{about}")
    except KeyboardInterrupt:
        return INTERRUPTED


def _dispatch(arguments: Sequence[str] | None) -> int:
    # Imported here: what the extra brings may be missing, and run() says so.
    from callstats.cli.commands import application

    try:
        application(args=arguments, prog_name="callstats")
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else FAILED
    return 0


def _complain(message: str) -> int:
    print(f"callstats: {' '.join(message.split())}", file=sys.stderr)
    return FAILED
