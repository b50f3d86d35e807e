"""Pure. Millennium calls: read, checked, composed of resources, and their answers classified."""
