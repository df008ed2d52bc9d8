"""What can be done from a terminal? One module for each command, and ``main`` to start one."""

from callstats.cli.start import main

__all__ = ["main"]
