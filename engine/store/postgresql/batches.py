"""Rim. Many rows in one PostgreSQL statement: a JSON array for the values, one blob for the bytes.

Measured (benchmarks/README.md): for rows of ours this costs the client a fifth of arrays in
`unnest` and a quarter of a pipelined `executemany`, and it is one statement, so one round trip.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import BigInteger, Float, Integer, LargeBinary, SmallInteger, Table

from engine.store.database import InsertMany, Many, Row
from engine.store.encoding import storable

_TYPES = {
    BigInteger: "bigint",
    Integer: "integer",
    SmallInteger: "smallint",
    Float: "double precision",
    LargeBinary: "bytea",
}


class RowBatch:
    """The columns of a batch's rows: how they become two parameters, and rows again in SQL."""

    def __init__(self, types: Sequence[str]) -> None:
        self._names = [f"c{position}" for position in range(len(types))]
        self._binary = [position for position, kind in enumerate(types) if kind == "bytea"]
        fields = [
            f"c{position} integer[]" if kind == "bytea" else f"c{position} {kind}"
            for position, kind in enumerate(types)
        ]
        self.source = f"json_to_recordset(%s::json) AS u({', '.join(fields)})"
        """Goes into FROM; takes the first parameter."""
        self.values = [
            f"substring(b.bytes FROM u.c{position}[1] FOR u.c{position}[2])"
            if kind == "bytea"
            else f"u.c{position}"
            for position, kind in enumerate(types)
        ]
        """An expression per column."""
        if self._binary:
            self.source += ", (SELECT %b::bytea AS bytes) AS b"

    def parameters(self, rows: Sequence[Row]) -> tuple[Any, ...]:
        """The values for `source`. Text that PostgreSQL cannot store is made storable."""
        names = self._names
        if not self._binary:
            return (_json([dict(zip(names, row, strict=True)) for row in rows]),)
        parts: list[bytes] = []
        size = 0
        records = []
        for row in rows:
            record = dict(zip(names, row, strict=True))
            for position in self._binary:
                data = row[position]
                record[names[position]] = (size + 1, len(data))
                parts.append(data)
                size += len(data)
            records.append(record)
        return _json(records), b"".join(parts)


def _json(records: list[dict[str, Any]]) -> str:
    try:
        text = orjson.dumps(records).decode()
    except orjson.JSONEncodeError:
        return orjson.dumps([_storable(record) for record in records]).decode()
    if "\\u0000" in text:
        return orjson.dumps([_storable(record) for record in records]).decode()
    return text


def _storable(record: dict[str, Any]) -> dict[str, Any]:
    return {
        name: storable(value) if isinstance(value, str) else value for name, value in record.items()
    }


@cache
def statement_of(many: Many) -> tuple[str, RowBatch]:
    """The one statement that writes a whole batch, and the batch's columns."""
    if isinstance(many, InsertMany):
        batch = RowBatch([_type(many.table, name) for name in many.columns])
        insert = (
            f"INSERT INTO {many.table.name} ({', '.join(many.columns)})"
            f" SELECT {', '.join(batch.values)} FROM {batch.source} {many.conflict}"
        )
        return insert, batch
    columns = [column for column, _ in many.sets]
    batch = RowBatch([_type(many.table, name) for name in (*columns, many.key)])
    sets = ", ".join(
        f"{column} = {expression.replace('?', value)}"
        for (column, expression), value in zip(many.sets, batch.values, strict=False)
    )
    update = (
        f"UPDATE {many.table.name} SET {sets} FROM {batch.source}"
        f" WHERE {many.key} = {batch.values[-1]}"
    )
    return update, batch


def _type(table: Table, column: str) -> str:
    kind = table.columns[column].type
    return next((name for found, name in _TYPES.items() if type(kind) is found), "text")
