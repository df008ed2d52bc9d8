"""Tests of `callstats.calls`, on the real engine."""
