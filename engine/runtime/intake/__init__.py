"""Rim. Intake: from a frame to its durable commit and its acknowledgment."""
