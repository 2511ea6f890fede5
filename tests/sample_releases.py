"""A small, true-to-type release, written without the rooms that make one: for the rooms that keep and show releases."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from stadtdaten.contracts import City, load_city
from stadtdaten.frames import (
    AnonymisationReport,
    CheckResult,
    DatasetMetadata,
    Inputs,
    Manifest,
    PublishedColumn,
    ReleaseFile,
    TableLock,
)
from stadtdaten.releases import release_id, write_candidate_manifest

CITY: City = load_city(Path(__file__).resolve().parents[1] / "include" / "city.yaml")
FIRST_NIGHT = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)

GAUGES = (
    PublishedColumn(name="messstelle", title="Messstelle", type="string"),
    PublishedColumn(name="datum", title="Tag der Messung", type="date", description="Kalendertag nach Ortszeit"),
    PublishedColumn(name="mittelwert", title="Mittlerer Wasserstand", type="number", unit="cm"),
)
RESIDENTS = (
    PublishedColumn(name="stadtbezirk", title="Stadtbezirk", type="string"),
    PublishedColumn(name="altersgruppe", title="Altersgruppe", type="string", unit="Jahre"),
    PublishedColumn(name="anzahl", title="Anzahl Personen", type="integer"),
    PublishedColumn(name="anzahl_geheim", title="Anzahl Personen geheim gehalten", type="boolean"),
)
SENTENCE = "Gegenüber der Quelle ist 1 Spalte weggelassen, 1 Spalte vergröbert, 2 Werte sind geheim gehalten."


def gauges(
    folder: Path, *, night: int = 1, previous: str = "", title: str = "Pegelstände der Fließgewässer"
) -> Manifest:
    """Write a finished candidate of measured values into ``folder``; each ``night`` adds a row and a release."""
    days = [date(2026, 10, 28) + timedelta(days=offset) for offset in range(11 + night)]
    rows = [f"Hamm {'Westtünnen' if index % 2 else 'Süddinker'},{day},{40.5 + index}" for index, day in enumerate(days)]
    rows[3] = rows[3].rpartition(",")[0] + ","
    return _candidate(
        folder,
        night=night,
        previous=previous,
        table="tageswerte",
        table_title="Tageswerte",
        rows=["messstelle,datum,mittelwert", *rows],
        columns=GAUGES,
        metadata={
            "dataset": "pegelstaende",
            "source": "umweltmessnetz",
            "title": title,
            "description": "Mittlerer Wasserstand je Messstelle und Tag.",
            "keywords": ("Umwelt", "Pegel", "Hochwasser"),
            "themes": ("ENVI",),
            "licence": "dl-by-de/2.0",
            "attribution": "Stadt Hamm, Umweltamt",
            "change_note": "Ausfälle der Messtechnik sind als fehlende Werte ausgewiesen.",
            "frequency": "DAILY",
            "deadline_hours": 48,
            "provenance": "Automatische Messung der Pegel, ohne nachträgliche Prüfung.",
            "owner": "Umweltamt",
            "outcome": "no_personal_data",
            "legal_basis": "§ 16a EGovG NRW",
            "temporal": (days[0], days[-1]),
        },
        personal=False,
        report=AnonymisationReport(table="tageswerte", notes=()),
    )


def residents(folder: Path, *, night: int = 1, previous: str = "") -> Manifest:
    """Write a finished candidate with suppressed counts into ``folder``."""
    rows = ["stadtbezirk,altersgruppe,anzahl,anzahl_geheim", "Bockum-Hövel,0–2,912,false", "Heessen,0–2,,true"]
    rows += [f"Mitte,{age}–{age + 2},{700 + age + night},false" for age in range(3, 30, 3)] + ["Pelkum,0–2,,true"]
    return _candidate(
        folder,
        night=night,
        previous=previous,
        table="bevoelkerung",
        table_title="Bevölkerung",
        rows=rows,
        columns=RESIDENTS,
        metadata={
            "dataset": "einwohner",
            "source": "einwohnerstatistik",
            "title": "Bevölkerung nach Stadtbezirk und Alter",
            "description": "Personen mit Hauptwohnsitz nach Stadtbezirk und Altersgruppe.",
            "keywords": ("Bevölkerung", "Statistik"),
            "themes": ("SOCI",),
            "licence": "cc-zero",
            "attribution": "",
            "change_note": SENTENCE,
            "frequency": "IRREG",
            "deadline_hours": None,
            "provenance": "Auszählung des Melderegisters zum Stichtag durch die abgeschottete Statistikstelle.",
            "owner": "Statistikstelle",
            "outcome": "anonymised",
            "legal_basis": "§ 16a EGovG NRW",
            "temporal": (date(2025, 12, 31), date(2025, 12, 31)),
        },
        personal=True,
        report=AnonymisationReport(
            table="bevoelkerung",
            dropped_columns=("sachbearbeitung",),
            treated_columns=("altersgruppe",),
            cells=1212,
            primary_suppressed=1,
            secondary_suppressed=1,
            minimum=3,
            notes=(SENTENCE,),
        ),
    )


def _candidate(
    folder: Path,
    *,
    night: int,
    previous: str,
    table: str,
    table_title: str,
    rows: list[str],
    columns: tuple[PublishedColumn, ...],
    metadata: dict[str, object],
    personal: bool,
    report: AnonymisationReport,
) -> Manifest:
    created = FIRST_NIGHT + timedelta(days=night - 1)
    csv = "\r\n".join([*rows, ""]).encode()
    schema = json.dumps({"fields": [{"name": column.name, "type": column.type} for column in columns]}).encode()
    lock = TableLock(
        files=(), resource=f"{table}.csv", url="http://intern.example/quelle.csv", source_bytes=len(csv),
        content_hash=hashlib.sha256(csv).hexdigest(), rows=len(rows) - 1, columns=tuple(c.name for c in columns),
    )  # fmt: skip
    texts = {
        f"{table}.csv": csv,
        f"{table}.parquet": b"PAR1" + csv + b"PAR1",  # nobody here reads it
        f"{table}.schema.json": schema,
        "evidence/lock.json": lock.model_dump_json().encode(),
    }
    for path, content in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in texts.items()}
    inputs = Inputs(content={table: lock.content_hash}, contract="c", suites="s", code="k", previous=previous)

    def file(path: str, code: str, media_type: str, conforms_to: str) -> ReleaseFile:
        return ReleaseFile(
            path=path, title=f"{table_title} als {code}", format=code, media_type=media_type, table=table,
            rows=len(rows) - 1, size=len(texts[path]), sha256=hashes[path], conforms_to=conforms_to,
        )  # fmt: skip

    manifest = Manifest(
        release=release_id(inputs),
        source=str(metadata["source"]),
        dataset=str(metadata["dataset"]),
        created=created,
        inputs=inputs,
        locks={table: lock},
        rows_read=len(rows) - 1,
        rows_published=len(rows) - 1,
        rows_by_table={table: len(rows) - 1},
        files=(
            file(f"{table}.csv", "CSV", "text/csv", f"{table}.schema.json"),
            file(f"{table}.parquet", "PARQUET", "application/vnd.apache.parquet", ""),
        ),
        metadata=DatasetMetadata.model_validate(
            {
                "availability": "AVAILABLE",
                "model_dataset": None,
                "grace_hours": 24,
                "issued": FIRST_NIGHT,
                "modified": created,
                "bbox": (7.55, 51.55, 8.02, 51.80),
                "columns": {table: columns},
                "table_titles": {table: table_title},
                **metadata,
            }
        ),
        checks=(
            CheckResult(
                table=table, stage="raw", expectation="expect_column_to_exist", severity="critical", success=True
            ),
            CheckResult(
                table=table,
                stage="public",
                expectation="expect_table_row_count_to_be_between",
                severity="warning",
                success=False,
                element_count=20,
                unexpected_count=1,
                message="1 von 20 Werten fehlt, weil die Messtechnik ausgefallen war.",
            ),
        ),
        anonymisation=(report,),
        personal=personal,
        evidence={path: hashes[path] for path in (f"{table}.schema.json", "evidence/lock.json")},
    )
    write_candidate_manifest(folder, manifest)
    return manifest
