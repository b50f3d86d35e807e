"""Rim. Workbenches on kept configurations: a message is explained by the one it came under."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock

from engine.runtime.configuration import Loaded, check_project
from engine.runtime.desk.workbench import Workbench
from engine.runtime.snapshots import Snapshots

THEN = "then"
"""The configuration each message came under."""
BENCHES_MAX = 3


class Benches:
    """Workbenches on kept configurations.

    Args:
        snapshots: where they are kept.
        revision: which: empty for the one in force, `then`, or a revision.
    """

    def __init__(self, snapshots: Snapshots, revision: str) -> None:
        self._snapshots = snapshots
        self._revision = revision
        self._made: dict[str, Workbench] = {}

    def of(self, revision: str) -> Workbench:
        """For a message that came under this revision. Raises LookupError when it is gone."""
        wanted = revision if self._revision == THEN else self._revision
        if wanted not in self._made:
            if len(self._made) >= BENCHES_MAX:
                del self._made[next(iter(self._made))]
            self._made[wanted] = self._open(wanted)
        return self._made[wanted]

    def give(self, loaded: Loaded) -> None:
        """A configuration that was read already, for messages that came under it."""
        self._made.setdefault(loaded.revision, Workbench(loaded))

    def _open(self, revision: str) -> Workbench:
        try:
            files = self._snapshots.for_dry_run(revision) if revision else self._snapshots.current()
        except OSError:
            raise LookupError(revision) from None
        if files.revision in self._made:  # the one in force, asked for by no name or by its own
            return self._made[files.revision]
        loaded, _ = check_project(files, check_maps=False)
        if loaded is None:
            raise LookupError(revision)
        return Workbench(loaded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """A workbench for the length of a block."""

    bench: Workbench
    is_then: bool
    """False: that configuration is gone, this is the one in force."""


class SharedBenches:
    """Workbenches for many threads; maps are compiled when first used, so one thread at a time.

    Args:
        snapshots: kept configurations; None: there are none.
    """

    def __init__(self, snapshots: Snapshots | None) -> None:
        self._snapshots = snapshots
        self._lock = RLock()
        self._benches: Benches | None = None

    @contextmanager
    def lend(self, revision: str = "") -> Iterator[Lent]:
        """The workbench of a revision, else of the one in force (also for an empty revision).

        Raises:
            LookupError: there is no configuration at all.
        """
        if self._snapshots is None:
            raise LookupError(revision)
        with self._lock:
            benches = self._opened(self._snapshots)
            try:
                lent = Lent(bench=benches.of(revision), is_then=True)
            except LookupError:
                lent = Lent(bench=benches.of(""), is_then=False)
            yield lent

    def give(self, loaded: Loaded) -> None:
        """A configuration that was read already. Its maps may be used through here alone."""
        if self._snapshots is not None:
            with self._lock:
                self._opened(self._snapshots).give(loaded)

    def _opened(self, snapshots: Snapshots) -> Benches:
        if self._benches is None:
            self._benches = Benches(snapshots, THEN)
        return self._benches

    def forget(self) -> None:
        """Another configuration is in force."""
        with self._lock:
            self._benches = None
