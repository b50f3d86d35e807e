"""Rim. What each resource type demands of a write and what becomes of it: report 1.4."""
