"""Rim. Events, metrics and PHI-safe logs."""
