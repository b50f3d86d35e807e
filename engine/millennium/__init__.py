"""Pure. Oracle Health Millennium: calls, what its layers can do, resource rules, identity."""
