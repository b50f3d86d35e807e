"""Rim. The store on PostgreSQL."""
