"""Files as cities really publish them, fetched over HTTP and read with a contract."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stadtdaten.contracts import City, Table, load_contract
from stadtdaten.contracts.interfaces import HttpInterface, Limits
from stadtdaten.extract import Fetched, NotModified, fetch_table
from stadtdaten.frames import Endpoint, TableLock
from stadtdaten.read import ReadTable, read_table

HTTP = HttpInterface(kind="http", connection="probe")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Tests need no access log."""


@pytest.fixture(scope="module")
def url(shared: Path) -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(shared / "data")))
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def read_real(url: str, tmp_path: Path, city: City) -> Callable[[Table, str], ReadTable]:
    def read(table: Table, resource: str) -> ReadTable:
        asked = table.model_copy(update={"resource": resource})
        fetched = fetch_table(HTTP, asked, Endpoint(url=url), tmp_path, Limits(), None)
        assert isinstance(fetched, Fetched)
        lock = TableLock(
            resource=resource, url=fetched.url, files=fetched.sources,
            source_bytes=fetched.source_bytes, content_hash="0", rows=1, columns=("nr",),
        )  # fmt: skip
        assert fetch_table(HTTP, asked, Endpoint(url=url), tmp_path, Limits(), lock) == NotModified()
        return read_table(asked, fetched.files, city, Limits())

    return read


ReadReal = Callable[[Table, str], ReadTable]
MakeTable = Callable[..., Table]


def test_hamms_gauges(read_real: ReadReal, table: MakeTable) -> None:
    columns = {
        "messstelle": {"type": "string", "source": "Name"}, "datum": {"type": "date", "source": "Datum"},
        "minimum": {"type": "number", "source": "Minimum"}, "mittelwert": {"type": "number", "source": "Mittelwert"},
    }  # fmt: skip
    read = read_real(table({"format": "csv"}, columns, ["messstelle", "datum"]), "hamm/lanuv_pegel_tageswerte_hamm.csv")
    assert read.frame["messstelle"].value_counts().to_dict() == {"Westtuennen": 487, "Sueddinker": 486}
    assert read.drift == ("Maximum",)
    assert (read.frame["minimum"] <= read.frame["mittelwert"]).all()
    # 9 April 2014 is delivered twice with different values: the reader keeps both, the raw suite has to decide.
    assert read.frame.duplicated(["messstelle", "datum"]).sum() == 2


def test_bochums_sports_facilities_with_all_their_traps(read_real: ReadReal, table: MakeTable) -> None:
    reading = {
        "format": "csv", "delimiter": ";", "encoding": "cp1252", "drop_blank_rows": True, "short_rows": True,
        "fill_down": ["Art", "Bezeichnung", "Adresse"],
    }  # fmt: skip
    columns = {
        "art": {"type": "string", "source": "Art"}, "bezeichnung": {"type": "string", "source": "Bezeichnung"},
        "bezirk": {"type": "integer", "source": "Bezirk"}, "spielfeld": {"type": "string", "source": "Spielfeld"},
        "beleuchtung": {
            "type": "boolean", "source": "Beleuchtung vorhanden", "true": "ja", "false": "nein",
        },
        "anlagen": {"type": "string", "source": "LA-Anlagen", "missing": {"-": "keine"}},
    }  # fmt: skip
    read = read_real(table(reading, columns), "bochum/sports_facilities/bochum_sports_facilities.csv")
    assert len(read.frame) == 128
    assert read.frame["art"].notna().all() and read.frame["bezeichnung"].notna().all()
    assert read.frame["spielfeld"].iloc[0] == "Großspielfeld"
    assert read.frame["bezirk"].isna().sum() == 13
    assert {repair.kind: repair.count for repair in read.repairs if repair.kind in ("short_row", "blank_row")} == {
        "short_row": 82, "blank_row": 40,
    }  # fmt: skip
    assert read.drift == ("Belag", "Maße", "(Spalte 10 ohne Namen)")
    assert read.frame.duplicated().sum() > 0


def test_the_contract_of_the_gauges_reads_its_own_shape(city: City, tmp_path: Path) -> None:
    contract = load_contract(Path(__file__).resolve().parents[2] / "include" / "contracts" / "umweltmessnetz.yaml")
    table = contract.datasets[0].tables[0]
    file = tmp_path / "tageswerte.csv"
    file.write_text(
        "Name,Datum,Minimum,Maximum,Mittelwert,Zeitpunkt_Maximum\n"
        "Sueddinker,2026-07-01,91.0,101.0,94.7,01.07.2026 13:15\nSueddinker,2026-07-02,-999,9999.0,,\n",
        encoding="utf-8",
    )
    read = read_table(table, (file,), city, Limits())
    assert read.frame["zeitpunkt_maximum"].iloc[0].isoformat() == "2026-07-01T13:15:00+02:00"
    assert read.frame.iloc[1, 2:].isna().all()
    assert [(repair.column, repair.count) for repair in read.repairs if repair.nature == "repaired"] == [
        ("minimum", 1), ("maximum", 1), ("mittelwert", 1), ("zeitpunkt_maximum", 1),
    ]  # fmt: skip
