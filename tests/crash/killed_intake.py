"""An intake process that kills itself at its N-th call of the log; run by the crash tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from killed_worker import Killing

from engine.runtime.intake import intake_process
from engine.store.open_store import open_log


def main() -> int:
    at, when = int(sys.argv[1]), sys.argv[2]
    intake_process.open_log = lambda url: Killing(open_log(url), at, when)  # type: ignore
    return intake_process.main(sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
