"""Pure. FHIR R4: definitions, checker, primitives, bundles, identity, outcomes."""
