"""Pure. What the mapping language has for documents alone: paths, templates, statements, runs."""
