"""Rim. The console: pages for those who run the engine and support its users.

Rendered on the server, with htmx for parts of pages and one small script for the keyboard. It
reads the store, writes wishes that the owning processes pick up, and runs in a process of its own.
"""
