"""A part of a JSON document as SQL, the same on SQLite and PostgreSQL."""

from typing import Any

from sqlalchemy import Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class json_part(FunctionElement[str]):  # noqa: N801 - it stands in SQL like a function
    """The JSON text of one part of a JSON document in a text column; dots in its name lead inwards."""

    type = Text()
    inherit_cache = True
    name = "json_part"


@compiles(json_part, "sqlite")
def _json_part_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    column, key = list(element.clauses)
    document, path = compiler.process(column, **options), f"'$.' || {compiler.process(key, **options)}"
    found = f"json_extract({document}, {path})"
    # A text comes out of it without its quotes, and everything else as JSON.
    return f"CASE json_type({document}, {path}) WHEN 'text' THEN json_quote({found}) ELSE {found} END"


@compiles(json_part, "postgresql")
def _json_part_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    column, key = list(element.clauses)
    document = compiler.process(column, **options)
    # PostgreSQL refuses a document in which a NUL is written anywhere; we never ask for a value that could hold one.
    without = f"regexp_replace({document}, '(?<!\\\\)((?:\\\\\\\\)*)\\\\u0000', '\\1', 'g')"
    safe = f"CASE WHEN strpos({document}, '\\u0000') > 0 THEN {without} ELSE {document} END"
    return f"(CAST({safe} AS json) #> string_to_array({compiler.process(key, **options)}, '.'))::text"
