"""Rim. The processing state, written once for both databases."""
