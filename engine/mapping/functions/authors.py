"""Pure. Functions on the authors of statements: when one was first written, what an author wrote.

CDA R2 lets authors of a document and section hold for what stands in them (context conduction).
"""

from engine.cda.document import AUTHOR, CDA, Node
from engine.mapping.functions.dates import date_time
from engine.mapping.functions.record import Example, Facts, FunctionRecord, Kind, Parameter

_TIME = f"{{{CDA}}}time"


def first_authored(facts: Facts, node: Node) -> str | None:
    """The dateTime of the earliest author's time of an element."""
    found = [
        value
        for author in node.iterchildren(AUTHOR)
        for time in author.iterchildren(_TIME)
        if (value := time.get("value"))
    ]
    return date_time(facts, min(found)) if found else None


def written_by(facts: Facts, node: Node) -> list[dict[str, str]]:
    """References to what was made of a statement, and of those in it without an author."""
    return list(facts.document.written.get(node, ()))


_NODE = Parameter(name="value", doc="an element with authors", kind=Kind.NODE)
_TWO = '<a><author><time value="2024"/></author><author><time value="2023"/></author></a>'

RECORDS = (
    FunctionRecord(
        name="first_authored",
        doc="The dateTime of the earliest author of an element (author/time): when it was first "
        "recorded.",
        parameters=(_NODE,),
        returns=("dateTime",),
        examples=(
            Example(
                arguments=(_TWO,),
                result="2023",
            ),
            Example(arguments=("<a><author><time/></author></a>",), result=None),
        ),
        body=first_authored,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="written_by",
        doc="References to everything made of a statement, and of those in it without authors of "
        "their own, for its Provenance.",
        parameters=(_NODE,),
        returns=("Reference",),
        examples=(Example(arguments=("<act/>",), result=[]),),
        body=written_by,
        uses_facts=True,
        varies=True,
        yields_list=True,
    ),
)
