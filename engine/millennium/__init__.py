"""Pure. Oracle Health Millennium: calls as data, what they can say, how resources are shaped."""
