"""Pure. What happens to a message: states, processing, classification, retry, lanes."""
