"""Rim. The worker: lanes, processing, attempts, outcomes."""
