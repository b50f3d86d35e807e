"""Rim. Documents of a turn against the versions of them that were delivered.

Lanes keep the versions of one patient's document in the order of arrival, and a turn takes one of
them. One that comes behind a newer one is processed as a late version, so that it does not undo it
(`pipeline.late_version`).
"""

from collections.abc import Callable, Sequence

from engine.pipeline.states import State
from engine.pipeline.version_order import (
    DocumentVersion,
    Key,
    Known,
    Newer,
    keys_to_ask,
    newest_over,
)
from engine.runtime.worker.processing import Draft
from engine.store.interface import StateStore

Asked = dict[int, tuple[Key, ...]]
"""Run to the keys of messages with versions of its documents."""
Answers = dict[int, list[Known]]
"""Run to those messages; a run that may overwrite newer data is not among them."""


def keys_of(drafts: Sequence[Draft]) -> Asked:
    """What is to be asked of the store; empty where no document has anything to send."""
    found: Asked = {}
    for draft in drafts:
        keys = tuple(key for version in draft.result.versions for key in keys_to_ask(version))
        if keys and draft.result.state in (State.TRANSFORMED, State.HELD):
            found[draft.run.run_id] = keys
    return found


def ask(asked: Asked) -> Callable[[StateStore], Answers]:
    """The question, for the store's thread."""

    def answer(state: StateStore) -> Answers:
        found = ((run_id, state.known_versions(run_id, keys)) for run_id, keys in asked.items())
        return {run_id: known for run_id, known in found if known is not None}

    return answer


def leave_to_newer(drafts: Sequence[Draft], answers: Answers) -> None:
    """Process again the documents of which a newer version was delivered.

    Args:
        drafts: of one turn.
        answers: what the store knows, by run.
    """
    for draft in drafts:
        known = answers.get(draft.run.run_id, [])
        found = ((version, newest_over(version, known)) for version in draft.result.versions)
        newer: dict[DocumentVersion, Newer] = {
            version: newest for version, newest in found if newest is not None
        }
        if newer and draft.again is not None:
            draft.result = draft.again(newer).without_values()
