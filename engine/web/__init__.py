"""Rim. The console."""
