"""Rim. A test of a channel made of a stored message, de-identified, for an analyst to paste."""

from collections import Counter
from dataclasses import dataclass

from engine.cda.reader import is_document
from engine.hl7v2.parser import parse
from engine.runtime.desk.audit import Act
from engine.runtime.desk.benches import SharedBenches
from engine.runtime.desk.deidentified import deidentified
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.masking import MaskingPolicy
from engine.runtime.desk.opened_message import open_message
from engine.runtime.desk.rights import Right, Viewer


class NoTest(ValueError):  # noqa: N818  said to the user in these words
    """No test can be made of the message; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestDraft:
    """What goes into the channel's file."""

    __test__ = False
    """Not a test class of pytest."""

    channel: str
    text: str
    """YAML, to stand under `tests:`."""
    state: str
    """What becomes of the message that was made."""


def draft_test(
    desk: Desk,
    viewer: Viewer,
    policy: MaskingPolicy,
    benches: SharedBenches,
    message_id: int,
) -> TestDraft | None:
    """A test that expects what the configuration in force makes now.

    Returns:
        None when there is no such message within the viewer's channels.

    Raises:
        NoTest: it is no HL7 v2 message, or its channel is gone.
    """
    opened = open_message(
        desk,
        viewer,
        policy,
        message_id,
        Right.SEE_BODIES,
        Right.EXPORT,
        act=Act.EXPORT,
        subject="test case, de-identified",
    )
    if opened is None:
        return None
    receipt = opened.detail.receipt
    message = None if is_document(receipt.raw) else parse(receipt.raw).message
    if message is None:
        raise NoTest("only of an HL7 v2 message that can be read")
    raw = deidentified(message, policy)
    try:
        with benches.lend() as lent:
            result = lent.bench.convert(raw, receipt.channel).result
    except LookupError:
        raise NoTest(f"only for a channel in force, which {receipt.channel} is not") from None
    made = Counter(str(one.resource["resourceType"]) for one in result.entries)
    expected = [f"state: {result.state.value}"]
    if result.outputs:
        expected += [f"{kind}: {number}" for kind, number in sorted(made.items())]
    codes = sorted({one.code for one in result.diagnostics})
    if codes:
        expected.append(f"diagnostics: [{', '.join(codes)}]")
    lines = raw.decode(message.codec, "replace").rstrip("\r").split("\r")
    body = "\n".join(f"      {line}" for line in lines)
    kind = receipt.message_type.replace("^", " ")
    text = (
        f"  - name: {kind} as it came, without the patient\n"
        f"    message: |\n{body}\n"
        f"    expect: {{{', '.join(expected)}}}\n"
    )
    return TestDraft(channel=receipt.channel, text=text, state=result.state.value)
