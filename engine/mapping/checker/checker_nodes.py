"""Pure. Checks paths in documents against CDA's classes, and the keys of maps found by template."""

from lxml import etree

from engine.cda.definitions import class_names
from engine.cda.document import NAMESPACES
from engine.diagnostics import Diagnostic, did_you_mean
from engine.fhir.definitions import resource_types
from engine.mapping import codes
from engine.mapping.checker.checker_values import Scope
from engine.mapping.checker.given import UNKNOWN, Given
from engine.mapping.checker.scope import OWN
from engine.mapping.documents.matching import MANDATORY
from engine.mapping.documents.node_paths import xpath_of
from engine.mapping.documents.node_types import ANY, child_names, step_types
from engine.mapping.library import Library
from engine.mapping.syntax import MapFile, Path, Rule

_SHOWN_MAX = 12


def read_node_path(path: Path, scope: Scope) -> Given:
    """What a path reads inside a map of a document."""
    if path.variable is not None and not path.nodes:
        if path.variable == OWN and path.variable not in scope.names:
            own = scope.map_file.to_name
            return Given(fhir=("Reference",), references=(own,), what="self")
        return scope.names.get(path.variable, UNKNOWN)
    problem = _xpath_problem(path)
    if problem is not None:
        return scope.report(problem)
    classes: tuple[str, ...] = (scope.map_file.from_name,)
    if path.variable is not None:
        classes = scope.names.get(path.variable, UNKNOWN).classes
    elif path.from_root:
        classes = ("",)
    if classes == (ANY,):
        classes = ()
    many = False
    steps = path.nodes
    if path.from_root:
        if not steps:
            return Given(classes=("ClinicalDocument",), what="/")
        classes = ("ClinicalDocument",) if steps[0].name == "ClinicalDocument" else ()
        steps = steps[1:]
    for step in steps:
        found = step_types(classes, step)
        if found is None:
            shown = f"@{step.name}" if step.axis == "attribute" else step.name
            hint = did_you_mean(shown, child_names(classes))
            return scope.report(
                codes.UNKNOWN_NODE(path.place, step=shown, holder=" or ".join(classes), hint=hint)
            )
        classes, several, _ = found
        # a condition chooses among all that the path has led to
        many = (many or several) and not step.conditions
    if steps and steps[-1].axis == "attribute":
        return Given(fhir=("text",), many=many, what=path.text)
    return Given(classes=classes, many=many, what=path.text)


def _xpath_problem(path: Path) -> Diagnostic | None:
    try:
        etree.XPath(xpath_of(path.nodes) or "self::node()", namespaces=NAMESPACES)
    except etree.XPathSyntaxError:
        return codes.EXPRESSION(path.place, problem="this is no XPath 1.0 that can be read")
    return None


def rules_to_check(map_file: MapFile) -> tuple[Rule, ...]:
    """The rules with what `negation:`, `required:` and `null:` write beside them."""
    match = map_file.match
    if match is None:
        return map_file.rules
    rules = {rule.target.text: rule for rule in map_file.rules}
    for one in (*match.negation, *match.required, *match.null):
        added = one.rule or Rule(target=one.target, place=one.place, block=())
        present = rules.get(one.target.text)
        if present is None:
            rules[one.target.text] = added
        elif one.rule is not None:
            both = (present, added)
            rules[one.target.text] = Rule(target=one.target, place=present.place, alternatives=both)
    return tuple(rules.values())


def check_match(map_file: MapFile, library: Library) -> list[Diagnostic]:
    """The keys that say which elements a map takes, and the mandatory ones."""
    found: list[Diagnostic] = []
    source = map_file.from_name
    if source and source != ANY and source not in class_names():
        hint = did_you_mean(source, class_names())
        found.append(codes.UNKNOWN_FROM(map_file.place, name=source, hint=hint))
    match = map_file.match
    if match is None:
        return found
    for name in (*match.under, *match.over):
        if name not in library.maps:
            hint = did_you_mean(name, library.maps)
            found.append(codes.UNKNOWN_MAP(map_file.place, name=name, hint=hint))
    if map_file.to_name in resource_types():
        missing = [key for key in MANDATORY if key not in match.said]
        if source == ANY and "negation" in missing:  # it tells of a statement, not what that says
            missing.remove("negation")
        found.extend(codes.MISSING_KEY(map_file.place, key=key) for key in missing)
    elif "negation" not in match.said and source in _NEGATABLE:
        found.append(codes.MISSING_KEY(map_file.place, key="negation"))
    if match.negation_word == "read" and "@negationInd" not in _texts(map_file):
        problem = "`negation: read`, but no rule reads @negationInd"
        found.append(codes.EXPRESSION(map_file.place, problem=problem))
    if not match.under:
        found.append(codes.MISSING_KEY(map_file.place, key="under"))
    return found


_NEGATABLE = frozenset({"Act", "Observation", "Procedure", "SubstanceAdministration"})


def _texts(map_file: MapFile) -> str:
    """All of a map's rules as text, to look for a name."""
    return repr(map_file.rules) + repr(map_file.value) + repr(map_file.all_values)


def check_shared_templates(library: Library) -> list[Diagnostic]:
    """Two maps under one map that take the same template, and neither goes before the other."""
    found: list[Diagnostic] = []
    taken: dict[tuple[str, str, str], MapFile] = {}
    for map_file in library.maps.values():
        match = map_file.match
        if match is None:
            continue
        for parent in match.under:
            for root in match.templates:
                key = (parent, map_file.from_name, root)
                other = taken.setdefault(key, map_file)
                if other is map_file or other.match is None:
                    continue
                if other.name not in match.over and map_file.name not in other.match.over:
                    problem = f"{other.name} takes the template {root} under {parent} too"
                    hint = f"write `over: {other.name}`, or the other way round"
                    found.append(codes.EXPRESSION(map_file.place, problem=problem, hint=hint))
    return found
