"""What can a source be told to do wrong? The switch that tests and demonstrations turn, one fault per source.

Some faults spoil the data before it is written, whatever the protocol; the others spoil the answer on its way.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal, get_args

from typing_extensions import TypeIs

from samplecity.tables import Column, Table
from samplecity.web import Answer
from samplecity.wfs import exception_report

DataFault = Literal["column_gone", "new_column", "ninety_percent_lost", "duplicate_key", "no_rows"]
AnswerFault = Literal[
    "slow", "cut", "status_500", "status_403", "html", "half_file", "empty", "wrong_content_type", "exception_report",
    "bot_wall", "endless_next",
]  # fmt: skip
DropFault = Literal[
    "slow", "cut", "half_file", "empty", "html", "renamed_file", "growing_file", "changed_while_reading",
    "wrong_host_key", "refuse_login",
]  # fmt: skip
Fault = DataFault | AnswerFault | DropFault
FAULTS: tuple[Fault, ...] = tuple(dict.fromkeys(get_args(DataFault) + get_args(AnswerFault) + get_args(DropFault)))

WALL = (
    b'<!DOCTYPE html>\n<html lang="de"><head><meta charset="utf-8"><title>Anmeldung</title></head>'
    b"<body><h1>Bitte melden Sie sich an</h1></body></html>\n"
)
HTML = "text/html; charset=utf-8"

BOT_WALL = (
    b'<!DOCTYPE html>\n<html lang="en"><head><title>Just a moment...</title></head>'
    b"<body>Checking your browser. Performance & security by Cloudflare</body></html>\n"
)


def is_data_fault(fault: Fault) -> TypeIs[DataFault]:
    """Whether the fault is in the data itself, whatever the protocol."""
    return fault in get_args(DataFault)


def is_answer_fault(fault: Fault) -> TypeIs[AnswerFault]:
    """Whether a web server can have the fault."""
    return fault in get_args(AnswerFault)


def is_drop_fault(fault: Fault) -> TypeIs[DropFault]:
    """Whether dropped files, or the server that gives them out, can have the fault."""
    return fault in get_args(DropFault)


def spoilt_files(files: dict[str, bytes], fault: DropFault) -> dict[str, bytes]:
    """The dropped files with that fault, as far as it is in them: the last one spoilt, or all with other endings."""
    *_, last = files
    match fault:
        case "half_file":
            return {**files, last: files[last][: len(files[last]) // 2]}
        case "empty":
            return {**files, last: b""}
        case "html":
            return {**files, last: WALL}
        case "renamed_file":
            return {
                f"{name.rpartition('.')[0]}.{name.rpartition('.')[2].upper()}": body for name, body in files.items()
            }
        case "slow" | "cut" | "growing_file" | "changed_while_reading" | "wrong_host_key" | "refuse_login":
            return files


def spoilt_table(table: Table, fault: DataFault) -> Table:
    """The table with that fault: the second column gone, one more column, every tenth row only, the first row twice."""
    match fault:
        case "column_gone":
            columns = table.columns[:1] + table.columns[2:]
            return replace(table, columns=columns, rows=tuple(row[:1] + row[2:] for row in table.rows))
        case "new_column":
            columns = (*table.columns, Column("neue_spalte", "text"))
            return replace(table, columns=columns, rows=tuple((*row, "neu") for row in table.rows))
        case "ninety_percent_lost":
            return replace(table, rows=table.rows[::10])
        case "duplicate_key":
            return replace(table, rows=(*table.rows, table.rows[0]))
        case "no_rows":
            return replace(table, rows=())


def spoilt_answer(answer: Answer, fault: AnswerFault) -> Answer:
    """The answer with that fault."""
    match fault:
        case "slow":
            return replace(answer, slow=True)
        case "cut":
            return replace(answer, cut=True)
        case "status_500":
            return Answer(500, "text/plain; charset=utf-8", b"Internal Server Error\n")
        case "status_403":
            return Answer(403, HTML, WALL)
        case "html":
            return Answer(200, HTML, WALL)
        case "half_file":
            return replace(answer, body=answer.body[: len(answer.body) // 2], headers={})
        case "empty":
            return replace(answer, body=b"", headers={})
        case "wrong_content_type":
            return replace(answer, content_type=HTML)
        case "exception_report":
            return exception_report("NoApplicableCode", "", "Die Datenbank antwortet nicht.", status=200)
        case "bot_wall":
            return Answer(403, HTML, BOT_WALL)
        case "endless_next":
            return replace(answer, body=_pointing_to_itself(answer.body), headers={})


def _pointing_to_itself(body: bytes) -> bytes:
    """A page of an OParl list whose next page is the first one; anything else as it is."""
    if b'"pagination"' not in body:
        return body
    page = json.loads(body)
    if page["pagination"]["totalPages"] == 1:
        return body
    page["links"]["next"] = page["links"]["first"]
    return json.dumps(page).encode()
