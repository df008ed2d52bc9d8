"""Tests of the old service's interface."""
