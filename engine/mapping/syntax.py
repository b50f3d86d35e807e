"""Pure. The mapping language as values: what `mapping.reader` makes and checker and compiler read.

Every node knows its place in the file. The grammar is in docs/mapping-language.md.

Two things are settled only when a whole map is known, by `mapping.scope` when a library is read: a
bare word that names no parameter or variable (`use=home`) becomes a `Literal` with `word=True`, and
a bare name of three capitals in a datatype map (`XPN`) is the datatype, not a segment.
"""

from dataclasses import dataclass, field

from engine.diagnostics import Place

# -- source paths --


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which repetition of a field, or which occurrence of a group or segment.

    Exactly one form is set: `[2]` (index, 1-based), `[type=MR]` or `[5=MR]` (component and value),
    `[*]` (all; written `each` in rules and implied by a target that ends in `[]`).
    """

    index: int | None = None
    component: str | None = None
    """A component's number, or its name in the dictionary, such as `type` for CX.5."""
    value: str | None = None
    every: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStep:
    """One step of a path in a document: `entryRelationship[@typeCode="SUBJ"]`, `..`, `@code`."""

    name: str
    """`code`, `sdtc:raceCode`, `*`; `..` and `.`; of an attribute without `@`."""
    axis: str = "child"
    """child, attribute, parent, self, descendant-or-self, ancestor ... (XPath 1.0, 2.2)."""
    conditions: tuple[str, ...] = ()
    """The texts in brackets, in XPath 1.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """`PID-3[type=MR].1`, `CX.4.2`, `order.OBR-4.1`, `ORDER_OBSERVATION[1].OBX-5.2`, `use`.

    `steps` are variables and groups before the segment. A path of a datatype map starts with the
    datatype's name (`CX.4`): then `segment` is None and `datatype` is set. A bare variable or
    parameter (`use`) has only `variable`.
    """

    text: str
    place: Place
    variable: str | None = None
    steps: tuple[tuple[str, Selector | None], ...] = ()
    segment: str | None = None
    segment_selector: Selector | None = None
    field: int | None = None
    repetition: Selector | None = None
    datatype: str | None = None
    components: tuple[int, ...] = ()
    """Component and subcomponent numbers, at most two (three below a datatype path)."""
    nodes: tuple[NodeStep, ...] = ()
    """Of a path in a document, after the variable if there is one; all else is then not set."""
    from_root: bool = False
    """`/ClinicalDocument/...`: from the top of the document."""


# -- expressions --


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """`"text"`, a number, `true`, `false`, or a bare word (`use=home`)."""

    value: str | int | float | bool
    place: Place
    word: bool = False
    """Written without quotes: it may have been meant as a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`reference(patient)`, `concat(XTN.6, " ", XTN.7)`: a named function of values."""

    name: str
    arguments: tuple["Expression", ...]
    named: tuple[tuple[str, "Expression"], ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One `-> ...` of a pipe.

    kind `map`: `XPN[HumanName] use=home`. kind `table`: `table AdministrativeSex unmapped=text`.
    kind `function`: `date`, `yes_no`, `quantity unit=OBX-6`. kind `reference`: the resource is put
    in the bundle and a Reference to it is the value. kind `template`: the map for the template that
    the element bears, among those that stand `under:` this one.
    """

    kind: str
    name: str
    arguments: tuple[tuple[str, "Expression"], ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipe:
    """`source -> step -> step`."""

    source: "Expression"
    steps: tuple[Step, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstOf:
    """`a | b | c`: the first that is populated."""

    options: tuple["Expression", ...]
    place: Place


Expression = Path | Literal | Call | Pipe | FirstOf


# -- conditions --


@dataclass(frozen=True, slots=True, kw_only=True)
class Valued:
    """`PID-29 valued`, `PID-29 not valued`."""

    subject: Expression
    negated: bool
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`PID-24 = "Y"`, `!=`, `<`, `<=`, `>`, `>=`, `in ("A", "B")`, `matches "regex"`.

    `not in` and `not matches` are operators of their own.
    """

    subject: Expression
    operator: str
    operands: tuple[Expression, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """`a and b`."""

    conditions: tuple["Condition", ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """`a or b`."""

    conditions: tuple["Condition", ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """`not (a)`."""

    condition: "Condition"
    place: Place


Condition = Valued | Comparison | Both | Either | Not


# -- targets and rules --


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPart:
    """One name of a target.

    `name`, `name[]` (append), `value[x]` (choice), `coding[local]` (a labelled item).
    """

    name: str
    append: bool = False
    choice: bool = False
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`period.start`, `name[]`, `value[x]`, `identifier[account].value`, `$this`."""

    text: str
    parts: tuple[TargetPart, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """`each SOURCE as NAME` on a target or a message step."""

    source: Path
    variable: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule line: a target and what fills it.

    Exactly one of `expression`, `block` and `alternatives` is set. With `alternatives` of a plain
    target the first that yields wins; of an append target (`telecom[]`) every one is taken; of a
    choice (`value[x]`) each is (type name, rule) and the first that yields wins.
    """

    target: Target
    place: Place
    expression: Expression | None = None
    block: tuple["Rule", ...] | None = None
    alternatives: tuple["Rule", ...] | None = None
    choice_type: str | None = None
    """Set on an alternative of a choice: `dateTime`, `Quantity`, ..."""
    when: Condition | None = None
    loop: Loop | None = None


UPDATES = ("merge", "replace")
"""What the resource a message makes does to the one the server has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit:
    """Message step: `OBR -> OBR[DiagnosticReport] as report key=(...) subject=patient when ...`."""

    source: Path
    map_name: str
    variable: str | None
    key: tuple[Expression, ...] | None
    """`key=identifier` is the single Path variable `identifier`; None: the map's own key."""
    arguments: tuple[tuple[str, Expression], ...]
    when: Condition | None
    place: Place
    into: str | None = None
    """`PV2 -> PV2[Encounter] into encounter`: fill the resource of that name, or make it.

    What the resource has already is kept; the name is bound even if the first source was absent.
    """
    update: str | None = None
    """`update=merge`: see `MapFile.updates`, which holds where this is None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """Message step: `report.result[] = reference(observation)`."""

    variable: str
    target: Target
    expression: Expression
    when: Condition | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Each:
    """Message step: `each PATIENT_RESULT as result:` and its body."""

    loop: Loop
    when: Condition | None
    body: tuple["MessageStep", ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Message step: `when CONDITION:` and its body."""

    condition: Condition
    body: tuple["MessageStep", ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Message step: `use patient in result.PATIENT`: the steps of a part, below a group.

    Parts are written out when a library is read (`mapping.parts`); checker and compiler meet none.
    """

    part: str
    prefix: Path | None
    place: Place


MessageStep = Emit | Assign | Each | When | Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """A source path that is left out on purpose, with the reason."""

    path: str
    reason: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """A source that is mapped otherwise than HL7's guide says, with the reason."""

    path: str
    element: str
    """Of the guide's target, without indices; empty: every row of this source."""
    reason: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class MapTest:
    """One entry of `tests:`: segment (or message) text in, expected elements out."""

    name: str
    message: str
    expect: tuple[tuple[str, str], ...]
    """(FHIR path, expected text). The text `absent` means: not there."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One line of `negation:`, `required:` or `null:`: what is written to an element."""

    target: Target
    rule: Rule | None
    """None: `data-absent-reason`, by the null flavour of what the element's own rule reads."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateMatch:
    """Which elements of a document a map is for, and what its mandatory keys say."""

    templates: tuple[str, ...] = ()
    """Roots; extensions do not count."""
    codes: tuple[str, ...] = ()
    """Of `code/@code`, for elements that bear no known template."""
    otherwise: bool = False
    """Also for elements of the class that no other map takes."""
    under: tuple[str, ...] = ()
    """The maps that hand their elements on to this one."""
    over: tuple[str, ...] = ()
    """Maps that this one goes before, where an element bears the templates of both."""
    negation: tuple[Treatment, ...] = ()
    """What elements become when `negationInd` is true."""
    negation_word: str = ""
    """`refused`: a negated element makes nothing but a problem; `read`: the rules look at it."""
    required: tuple[Treatment, ...] = ()
    """Elements that must be there, and what is written when no rule fills them."""
    null: tuple[Treatment, ...] = ()
    """Elements whose null flavour is told, and how; of others it is left out."""
    said: frozenset[str] = frozenset()
    """The mandatory keys that were given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapFile:
    """One file of transforms/.

    `from_name` is a segment (`PID`), a datatype (`CX`) or a message structure (`ADT_A01`).
    `to_name` is an R4 resource, an R4 datatype, a primitive (`uri`) or `Bundle`. A map to a
    primitive has `value` alternatives in place of rules. `steps` is set for message maps only.
    """

    name: str
    file: str
    place: Place
    from_name: str
    to_name: str
    also: tuple[str, ...] = ()
    """Message maps: structures whose segments senders put into this one too."""
    events: tuple[str, ...] = ()
    """Message maps: the MSH-9 types served, such as `ADT^A04`."""
    parameters: tuple[tuple[str, str], ...] = ()
    """(name, R4 type or `text`)."""
    key: tuple[Expression, ...] | None = None
    """Default business key of a resource map."""
    updates: tuple[tuple[str, str], ...] = ()
    """Message maps: resource type to `merge` (the message says only a part) or `replace`."""
    needs: tuple[str, ...] = ()
    """Elements of which one must be filled, else the map makes nothing."""
    rules: tuple[Rule, ...] = ()
    value: tuple[Rule, ...] = ()
    steps: tuple[MessageStep, ...] = ()
    ignore: tuple[Ignore, ...] = ()
    differs: tuple[Differs, ...] = ()
    guide: tuple[str, ...] = ()
    """The guide's maps whose rows this file implements; empty: the one of its own name."""
    tests: tuple[MapTest, ...] = ()
    description: str = ""
    of_document: bool = False
    """Written `class:`: `from_name` is a class or datatype of CDA."""
    all_values: tuple[Rule, ...] = ()
    """`all:` in place of `value`: everything they yield, as a list."""
    match: TemplateMatch | None = None
    """Of a map of a document that others dispatch to by template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """Steps that message maps share: `part: patient`."""

    name: str
    file: str
    place: Place
    steps: tuple[MessageStep, ...]
    ignore: tuple[Ignore, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayFile:
    """A site's change to one map: rules replaced or added, targets removed, more ignored."""

    map_name: str
    file: str
    place: Place
    reason: str
    rules: tuple[Rule, ...] = ()
    steps: tuple[MessageStep, ...] = ()
    """Appended to a message map's steps."""
    remove: tuple[str, ...] = ()
    ignore: tuple[Ignore, ...] = field(default=())
