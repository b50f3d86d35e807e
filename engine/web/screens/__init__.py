"""Rim. One module a screen: it reads the request, asks the desk, renders a template."""
