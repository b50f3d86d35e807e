"""Pure. C-CDA documents."""
