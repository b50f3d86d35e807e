"""Pure. Channel configuration: field specifications, lint, model, filter."""
