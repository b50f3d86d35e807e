"""Rim. Tokens for destinations: discovery, client credentials, scopes, and a cache shared by
all.
"""
