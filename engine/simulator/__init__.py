"""Rim. Simulated receivers for the demo, tests and training."""
