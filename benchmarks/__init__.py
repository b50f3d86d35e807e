"""How speed is measured; see README.md here."""
