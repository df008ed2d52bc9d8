"""Small programs that report to the test's collector, in processes of their own."""

import subprocess
import sys
import textwrap

from .recording import SECRET, Collector

HEAD = """
import os, sys, warnings
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
import callstats

def connect(**options):
    options = {{"app_id": 42, "app_secret": {secret!r}, "user": "alice", "linger": 0.01, **options}}
    return callstats.Client({url!r}, **options)

"""


def begin(collector: Collector, code: str) -> "subprocess.Popen[str]":
    """Start a program that finds ``connect`` defined."""
    head = HEAD.format(secret=SECRET, url=collector.url)
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", head + textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(collector: Collector, code: str) -> str:
    """Run such a program to its end, which must be a good one; return what it printed."""
    with begin(collector, code) as process:
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert (process.returncode, err) == (0, ""), err
    return out
