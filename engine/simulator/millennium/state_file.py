"""Rim. The state of a simulator in a file: one line of JSON for each change, read again at start.

Each line is written out before the change is answered, so that what was answered survives the end
of the process, however it ends (not that of the machine: nothing is forced to disk).
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import orjson

from engine.simulator.millennium.chart import Chart, Record
from engine.simulator.millennium.code_values import CodeTable, CodeValue, as_row
from engine.simulator.millennium.tenant import Tenant


class StateFile:
    """Reads the changes of earlier runs, and keeps those of this one."""

    def __init__(self, path: Path) -> None:
        """Args: where; made when it is not there."""
        self._path = path
        self._out: IO[bytes] | None = None

    def open(self, tenants: Mapping[str, Tenant]) -> None:
        """Restore the tenants, rewrite the file to what they hold; `resume` keeps what follows.

        Raises ValueError for a line that is not a change; one cut short at the end is left out.
        """
        self.close()
        for number, line in enumerate(self._lines(), 1):
            try:
                _apply(orjson.loads(line), tenants)
            except (KeyError, TypeError, ValueError) as problem:
                text = f"{self._path}:{number}: not a change of a simulator's state"
                raise ValueError(text) from problem
        self._rewrite(tenants)
        for name, tenant in tenants.items():
            tenant.chart.changed = self._record_of(name, tenant.chart)
            tenant.codes.changed = self._code_value_of(name)

    def clear(self) -> None:
        """Forget all changes."""
        self.close()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def resume(self) -> None:
        """Write changes from now on."""
        if self._out is None:
            self._out = self._path.open("ab")

    def close(self) -> None:
        """Write no more."""
        if self._out is not None:
            self._out.close()
            self._out = None

    def _lines(self) -> list[bytes]:
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return []
        return text[: text.rfind(b"\n") + 1].splitlines()

    def _rewrite(self, tenants: Mapping[str, Tenant]) -> None:
        new = self._path.with_name(self._path.name + ".new")
        with new.open("wb") as out:
            for name, tenant in tenants.items():
                for row in tenant.codes.added:
                    out.write(_code_line(name, row))
                for kind in tenant.chart.counts():
                    for record in tenant.chart.all(kind):
                        out.write(_record_line(name, tenant.chart, record, kept=True))
        new.replace(self._path)

    def _write(self, line: bytes) -> None:
        if self._out is not None:
            self._out.write(line)
            self._out.flush()

    def _record_of(self, tenant: str, chart: Chart) -> Any:
        return lambda record, kept: self._write(_record_line(tenant, chart, record, kept=kept))

    def _code_value_of(self, tenant: str) -> Any:
        return lambda row: self._write(_code_line(tenant, row))


def _record_line(tenant: str, chart: Chart, record: Record, *, kept: bool) -> bytes:
    change = {
        "tenant": tenant,
        "kind": record.kind,
        "id": record.identity,
        "kept": kept,
        "etag": record.etag,
        "resource": record.resource,
        "updated_at": record.updated_at,
        "changes": record.changes,
        "replaced_by": record.replaced_by,
        "number": chart.number,
    }
    return orjson.dumps(change, option=orjson.OPT_APPEND_NEWLINE)


def _code_line(tenant: str, row: CodeValue) -> bytes:
    change = {"tenant": tenant, "code_value": as_row(row)}
    return orjson.dumps(change, option=orjson.OPT_APPEND_NEWLINE)


def _apply(change: dict[str, Any], tenants: Mapping[str, Tenant]) -> None:
    """A tenant that is not served any more is left out."""
    tenant = tenants.get(change["tenant"])
    if tenant is None:
        return
    if "code_value" in change:
        codes: CodeTable = tenant.codes
        codes.put(CodeValue(**change["code_value"]))
        return
    chart = tenant.chart
    chart.number = max(chart.number, change["number"])
    record = Record(
        kind=change["kind"],
        identity=change["id"],
        etag=change["etag"],
        resource=change["resource"],
        updated_at=change["updated_at"],
        changes=change["changes"],
        replaced_by=change["replaced_by"],
    )
    if change["kept"]:
        chart.restore(record)
    else:
        chart.drop(record.kind, record.identity)
