"""Rim. A message in one file, for a colleague or a vendor who has no access to the console.

The file is a page of HTML that loads and runs nothing; the same as data stands in it as JSON. What
is in it is what the viewer sees on the message's screen, with the same masks, and making it is an
export: by right, and recorded before it is given away.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

import orjson

from engine import __version__
from engine.runtime.desk.audit import Act
from engine.runtime.desk.benches import SharedBenches
from engine.runtime.desk.bundle_page import BundleFacts, bundle_page
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.masking import MaskingPolicy
from engine.runtime.desk.message_view import MessageView, view_of
from engine.runtime.desk.opened_message import open_message, revision_of
from engine.runtime.desk.rights import Right, Viewer

FORMAT = "interface-engine-message-1"
"""Stands in the data; another number when their shape changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One file."""

    name: str
    """Such as `message-8841.html`: it names no patient."""
    content: bytes = field(repr=False)
    masked: bool


def make_bundle(
    desk: Desk,
    viewer: Viewer,
    policy: MaskingPolicy,
    benches: SharedBenches,
    message_id: int,
) -> Bundle | None:
    """The file of a message; None when there is none within the viewer's channels.

    Args:
        desk: the store.
        viewer: who takes it away. Raises NotAllowed without SEE_BODIES and EXPORT.
        policy: what a masked viewer sees.
        benches: configurations, to make again what was made.
        message_id: which.
    """
    opened = open_message(
        desk,
        viewer,
        policy,
        message_id,
        Right.SEE_BODIES,
        Right.EXPORT,
        act=Act.EXPORT,
        subject="bundle" if viewer.unmasked else "bundle, masked",
    )
    if opened is None:
        return None
    view = view_of(desk, viewer, policy, benches, opened)
    facts = BundleFacts(
        made_at=desk.clock(),
        made_by=viewer.name,
        engine=__version__,
        revision=revision_of(opened.detail),
        sha256=opened.detail.receipt.sha256.hex(),
        masked=opened.policy is not None,
    )
    data = _data(view, facts, opened.detail.receipt.raw)
    return Bundle(
        name=f"message-{message_id}.html",
        content=bundle_page(view, facts, data).encode("utf-8", "replace"),
        masked=facts.masked,
    )


def _data(view: MessageView, facts: BundleFacts, raw: bytes) -> str:
    """The same for programs; whole bytes only for who sees values."""
    found: dict[str, Any] = {"format": FORMAT, "facts": facts, "message": view}
    if not facts.masked:
        found["received_base64"] = b64encode(raw).decode()
    # in JSON `<` stands in texts alone; escaped, no text ends the element that holds it
    return orjson.dumps(found).replace(b"<", b"\\u003c").decode()
