"""Pure. Who is who on a Millennium service: identifiers, the ledger's entries, and the decision."""
