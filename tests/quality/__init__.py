"""Tests of `callstats.quality`."""
