"""Rim. Who may use the console and the commands, their sessions, and the trail of what they did."""
