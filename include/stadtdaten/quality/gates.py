"""May this dataset go on? The quality gates (raw and public) and the portal gate (against what is live)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stadtdaten.contracts import Dataset
from stadtdaten.faults import Finding, GateFailed
from stadtdaten.frames import CheckResult, Manifest, Stage
from stadtdaten.german import number, share

STAGE_WORDS: dict[Stage, str] = {"raw": "Rohdaten", "public": "Veröffentlichungsdaten"}


def gate(results: Sequence[CheckResult], dataset: str, stage: Stage) -> None:
    """Raises GateFailed (quality_raw or quality_public) with every critical check that failed.

    A dataset without any critical check does not pass either: it has not been checked.
    """
    critical = [result for result in results if result.severity == "critical"]
    failed = [result for result in critical if not result.success]
    if critical and not failed:
        return
    findings = tuple(
        Finding(
            rule=result.expectation, message=result.message, table=result.table, column=result.column,
            count=result.unexpected_count, total=result.element_count,
        )
        for result in failed
    )  # fmt: skip
    raise GateFailed(
        "quality_raw" if stage == "raw" else "quality_public",
        f"Datensatz {dataset}: {len(failed)} von {len(critical)} blockierenden Qualitätsprüfungen der "
        f"{STAGE_WORDS[stage]} nicht bestanden."
        if critical
        else f"Datensatz {dataset}: Für die {STAGE_WORDS[stage]} ist keine blockierende Qualitätsprüfung gelaufen.",
        next_step="Befunde mit der datenführenden Stelle klären; sind die Daten richtig, die Regel in der Suite ändern."
        if critical
        else "Die Suiten des Datensatzes mit `stadtdaten check` prüfen.",
        findings=findings,
    )


def portal_gate(candidate: Manifest, live: Manifest | None, dataset: Dataset) -> None:
    """Raises GateFailed (portal) where re-users would lose something they rely on.

    That is: a table without rows; and against what is ``live`` a table or column that vanished, a column of another
    type, or more rows lost than the contract's ``row_loss`` allows, published or read (a table of counts always has
    the same number of rows, however little of the source arrives). Without a live release only the first applies.
    """
    findings = tuple(_findings(candidate, live, dataset))
    if findings:
        raise GateFailed(
            "portal",
            f"Datensatz {dataset.id}: Der neue Stand passt nicht zu dem, was veröffentlicht ist "
            f"({number(len(findings))} {'Befund' if len(findings) == 1 else 'Befunde'}).",
            next_step="Mit der datenführenden Stelle klären, ob die Änderung gewollt ist. Wenn ja: Nachnutzende "
            "vorab informieren und den Vertrag anpassen (Spalten, row_loss).",
            findings=findings,
        )


def _findings(candidate: Manifest, live: Manifest | None, dataset: Dataset) -> Iterator[Finding]:
    tables = [table.id for table in dataset.tables]
    for table in tables:
        if not candidate.rows_by_table.get(table):
            before = f" (bisher {number(live.rows_by_table[table])})" if live and table in live.rows_by_table else ""
            yield Finding("row_count", f"Tabelle {table}: 0 Zeilen{before}.", table=table)
    if live is None:
        return
    for table, rows in live.rows_by_table.items():
        if table not in candidate.rows_by_table:
            yield Finding(
                "table_lost", f"Tabelle {table} fehlt (bisher {number(rows)} Zeilen).", table=table,
                count=rows, total=rows,
            )  # fmt: skip
            continue
        yield from _column_findings(candidate, live, table)
        losses = list(_loss("Zeilen", table, candidate.rows_by_table[table], rows, dataset.row_loss))
        if not losses and table in live.locks and table in candidate.locks:
            read, read_before = candidate.locks[table].rows, live.locks[table].rows
            losses += _loss("Zeilen der Quelle", table, read, read_before, dataset.row_loss)
        yield from losses


def _loss(what: str, table: str, now: int, before: int, allowed: float) -> Iterator[Finding]:
    if 0 < now < before and (before - now) / before > allowed:
        yield Finding(
            "row_loss",
            f"Tabelle {table}: {number(now)} {what} statt bisher {number(before)}, also "
            f"{share((before - now) / before)} weniger; erlaubt sind höchstens {share(allowed)}.",
            table=table, count=before - now, total=before,
        )  # fmt: skip


def _column_findings(candidate: Manifest, live: Manifest, table: str) -> Iterator[Finding]:
    before = {column.name: column.type for column in live.metadata.columns.get(table, ())}
    after = {column.name: column.type for column in candidate.metadata.columns.get(table, ())}
    counts = f"bisher {number(len(before))} Spalten, jetzt {number(len(after))}"
    for name, type_ in before.items():
        if name not in after:
            message = f"Tabelle {table}: Spalte {name} fehlt ({counts})."
            yield Finding("column_lost", message, table=table, column=name)
        elif after[name] != type_:
            message = f"Tabelle {table}: Spalte {name} hat den Typ {after[name]} statt bisher {type_}."
            yield Finding("column_type", message, table=table, column=name)
