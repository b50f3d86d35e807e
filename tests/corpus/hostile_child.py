"""Converts hostile files, each in a process of its own that the system ends when it costs too much.

`python hostile_child.py FILE...` prints a line of JSON for each: its codes, or what ended it.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from converted_documents import convert_document, documents_program

CPU_SECONDS = 1
GROWTH_BYTES = 300_000_000
SMALL = b'<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="2.16.840"/></ClinicalDocument>'


def limit() -> None:
    """End this process after a second more of CPU; refuse it 300 MB more of memory."""
    spent = int(time.process_time()) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent + CPU_SECONDS, spent + CPU_SECONDS))
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    size = pages * resource.getpagesize() + GROWTH_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def outcome(path: Path) -> dict[str, object]:
    """What becomes of one file within the limits."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        limit()
        made = convert_document(path.name, path.read_bytes())
        problems = [*made.diagnostics, *(made.result.diagnostics if made.result else ())]
        found = {
            "codes": [one.code for one in problems],
            "types": [one.resource["resourceType"] for one in made.entries],
            "body": made.body.decode(),
        }
        os.write(writer, json.dumps(found).encode()[:60_000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as opened:
        said = opened.read()
    _, status = os.waitpid(child, 0)
    return json.loads(said) if status == 0 else {"ended": status}


def main() -> None:
    """Warm up, so that compiling the maps is not counted, then try every file."""
    documents_program()
    convert_document("small", SMALL)
    for name in sys.argv[1:]:
        print(json.dumps({"file": Path(name).name, **outcome(Path(name))}), flush=True)


if __name__ == "__main__":
    main()
