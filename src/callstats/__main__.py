"""``python -m callstats`` is the same as ``callstats``."""

from callstats.cli import main

if __name__ == "__main__":
    main()
