"""How are figures said in a sentence? Short, with their unit, no more digits than matter."""


def percent(share: float) -> str:
    """Return a share from 0 to 1 as per cent: ``5.1 %``."""
    return f"{100 * share:.1f} %" if share < 0.995 else "100 %"


def milliseconds(seconds: float) -> str:
    """Return a short time: ``240 ms``."""
    return f"{1000 * seconds:.0f} ms"


def seconds(duration: float) -> str:
    """Return a time people wait: ``7.4 s``, ``35 s``."""
    return f"{duration:.1f} s" if duration < 10 else f"{duration:.0f} s"


def listing(names: list[str], *, most: int = 3) -> str:
    """Return names as people say them: ``bob, carol and 2 others``."""
    if len(names) > most:
        rest = len(names) - most + 1
        names = [*names[: most - 1], f"{rest} others"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def count(number: int, noun: str) -> str:
    """Return a number of things: ``1 record``, ``12 records``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
