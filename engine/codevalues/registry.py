"""Pure. The naming registry: what senders, FHIR and Millennium call one coding system or authority.

A v2 message names a coding system by an id of table 0396 (`LN`) and an assigning authority by a
namespace (`NORTH`); FHIR by a URI; Millennium knows the authority as an alias pool, a value of code
set 263, and the sender as a contributor source, a value of code set 73. Code values differ per
tenant, so the registry names both portably, as `aliases` does. Report section 4, layer 1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.codevalues.codes import BAD_TARGET, REGISTRY_SHAPE
from engine.codevalues.targets import Target, parse_target
from engine.diagnostics import Diagnostic, did_you_mean
from engine.yamltext import Mapping as YamlMapping
from engine.yamltext import Node, Scalar, parse_yaml

FILE = "codevalues/registry.yaml"
ALIAS_POOLS = 263
"""The code set of alias pools."""
CONTRIBUTOR_SOURCES = 73
"""The code set of contributor sources."""
SECTIONS = ("coding_systems", "authorities", "contributor_sources")
LOCAL = frozenset({"", "L", "99", "LOCAL"})
"""Names of a coding system that say no more than that the code is the sender's own."""

STANDARDS: Mapping[str, str] = {
    "LOINC": "http://loinc.org",
    "LN": "http://loinc.org",
    "SNOMED CT": "http://snomed.info/sct",
    "SNOMED": "http://snomed.info/sct",
    "SCT": "http://snomed.info/sct",
    "ICD-10-CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "I10C": "http://hl7.org/fhir/sid/icd-10-cm",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
}
"""The standards that codes are mapped to, in capitals: names of table 0396 and everyday ones."""

KnownSystem = Callable[[str], str | None]
"""A name of a coding system to its URI, for names beyond those above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An assigning authority and its alias pool."""

    name: str
    """As sent in PID-3.4."""
    system: str
    """`urn:oid:...`, as in `Identifier.system`."""
    alias_pool: Target | None = None
    """Names the value of code set 263."""


def _no_system(_name: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Names to URIs and back."""

    coding_systems: Mapping[str, str] = field(default_factory=dict)
    authorities: Mapping[str, Authority] = field(default_factory=dict)
    contributor_sources: Mapping[str, Target] = field(default_factory=dict)
    known: KnownSystem = _no_system

    def canonical(self, name: str) -> str:
        """The URI of a coding system; a name that has none is kept, a merely local one is empty.

        Args:
            name: a URI, an id of table 0396, or a sender's own name.
        """
        if name.upper() in LOCAL:
            return ""
        if ":" in name:
            return name
        found = self.coding_systems.get(name) or STANDARDS.get(name.upper()) or self.known(name)
        return found or name

    def knows(self, name: str) -> bool:
        """Whether a coding system has a URI, or is merely local."""
        found = self.canonical(name)
        return not found or ":" in found

    def names_of(self, system: str) -> tuple[str, ...]:
        """What the registry calls the coding system of this URI, own names first."""
        names = [name for name, uri in self.coding_systems.items() if uri == system]
        return (*names, *(name for name, uri in STANDARDS.items() if uri == system))

    def authority_of(self, name_or_system: str) -> Authority | None:
        """The authority of a namespace or URI."""
        found = self.authorities.get(name_or_system)
        if found is not None:
            return found
        matches = (one for one in self.authorities.values() if one.system == name_or_system)
        return next(matches, None)


def read_registry(
    text: str, file: str = FILE, known: KnownSystem = _no_system
) -> tuple[Registry, list[Diagnostic]]:
    """Read `codevalues/registry.yaml`.

    Args:
        text: the whole file.
        file: its name, for places.
        known: URIs of coding systems that need not be written.

    Returns:
        The registry of everything that could be read, and all problems.
    """
    root, problems = parse_yaml(text, file)
    if root is None:
        return Registry(known=known), problems
    systems: dict[str, str] = {}
    authorities: dict[str, Authority] = {}
    sources: dict[str, Target] = {}
    for section, entries in _entries(root, SECTIONS, "the registry", problems):
        for name, node in _entries(entries, None, section.text, problems):
            if section.text == "coding_systems":
                uri = _text(node, f"the coding system {name.text}", problems)
                if uri and _is_uri(node, uri, problems):
                    systems[name.text] = uri
            elif section.text == "authorities":
                authority = _authority(name.text, node, problems)
                if authority is not None:
                    authorities[name.text] = authority
            else:
                target = _target(node, f"the contributor source {name.text}", problems)
                if target is not None:
                    sources[name.text] = target
    registry = Registry(
        coding_systems=systems, authorities=authorities, contributor_sources=sources, known=known
    )
    return registry, problems


def _entries(
    node: Node, known: tuple[str, ...] | None, what: str, problems: list[Diagnostic]
) -> list[tuple[Scalar, Node]]:
    if isinstance(node, Scalar) and not node.text:
        return []
    if not isinstance(node, YamlMapping):
        problems.append(REGISTRY_SHAPE(node.place, problem=f"{what} must be names and values"))
        return []
    if known is None:
        return list(node.entries)
    found = []
    for key, value in node.entries:
        if key.text in known:
            found.append((key, value))
            continue
        hint = did_you_mean(key.text, known) or f"write one of {', '.join(known)}"
        problem = f'{what} has no "{key.text}"'
        problems.append(REGISTRY_SHAPE(key.place, problem=problem, hint=hint))
    return found


def _authority(name: str, node: Node, problems: list[Diagnostic]) -> Authority | None:
    what = f"the authority {name}"
    if isinstance(node, Scalar):
        system = _text(node, what, problems)
        if not system or not _is_uri(node, system, problems):
            return None
        return Authority(name=name, system=system)
    system, pool = "", None
    for key, value in _entries(node, ("system", "alias_pool"), what, problems):
        if key.text == "system":
            system = _text(value, what, problems)
            if system and not _is_uri(value, system, problems):
                return None
        else:
            pool = _target(value, what, problems)
    if not system:
        problems.append(REGISTRY_SHAPE(node.place, problem=f"{what} needs a `system`"))
        return None
    return Authority(name=name, system=system, alias_pool=pool)


def _text(node: Node, what: str, problems: list[Diagnostic]) -> str:
    if isinstance(node, Scalar) and node.text:
        return node.text
    problems.append(REGISTRY_SHAPE(node.place, problem=f"{what} needs a text"))
    return ""


def _is_uri(node: Node, text: str, problems: list[Diagnostic]) -> bool:
    if ":" in text and not any(character.isspace() for character in text):
        return True
    hint = "write a URI such as urn:oid:2.16.840.1.113883.3.9999.1.4"
    problems.append(REGISTRY_SHAPE(node.place, problem=f'"{text}" is no URI', hint=hint))
    return False


def _target(node: Node, what: str, problems: list[Diagnostic]) -> Target | None:
    text = _text(node, what, problems)
    if not text:
        return None
    target = parse_target(text)
    if target is None:
        problems.append(BAD_TARGET(node.place, target=text))
    return target
