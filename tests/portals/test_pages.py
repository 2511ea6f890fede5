"""What stands on the pages: German, escaped, self-contained, and every link leads somewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from sample_releases import CITY, gauges, residents
from stadtdaten import german
from stadtdaten.frames import CheckResult, Manifest
from stadtdaten.portals.pages import Shown, render
from stadtdaten.portals.preview import first_rows


def shown(folder: Path, manifest: Manifest, *earlier: Manifest) -> Shown:
    """The dataset as the portal hands it to the pages."""
    file = manifest.files[0]
    return Shown(manifest, earlier, {file.table: first_rows(folder / file.path, manifest.metadata.columns[file.table])})


@pytest.fixture
def pages(tmp_path: Path) -> dict[str, str]:
    """All text pages of a portal with two datasets, one of them about people."""
    first = gauges(tmp_path / "first")
    second = gauges(tmp_path / "second", night=2, previous=first.release)
    people = residents(tmp_path / "people")
    content = render(
        CITY,
        "http://portal.example/",
        False,
        [shown(tmp_path / "second", second, first), shown(tmp_path / "people", people)],
    )
    return {path: page.decode() for path, page in content.items()}


class Elements(HTMLParser):
    """Collects start tags with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def html(pages: dict[str, str]) -> dict[str, Elements]:
    return {path: Elements(page) for path, page in pages.items() if path.endswith(".html")}


def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(pages: dict[str, str]) -> None:
    for path, elements in html(pages).items():
        policies = [attributes["content"] for tag, attributes in elements.found if "http-equiv" in attributes]
        assert policies and "default-src 'none'" in policies[0] and "unsafe" not in policies[0], path
        for tag, attributes in elements.found:
            assert not [name for name in attributes if name.startswith("on") or name == "style"], path
            assert tag not in ("style", "iframe"), path
            loaded = attributes.get("src", "") or (attributes["href"] if tag == "link" else "")
            assert not urlsplit(loaded).netloc, path
            assert tag != "script" or attributes["src"], path


def test_every_link_leads_to_a_page_a_file_or_out_of_the_portal(pages: dict[str, str]) -> None:
    tables = ("dataset/pegelstaende/tageswerte", "dataset/einwohner/bevoelkerung")
    data = {table + ending for table in tables for ending in (".csv", ".parquet", ".schema.json")}
    known = {*pages, *data, "catalog.ttl", "catalog.rdf", "catalog.jsonld"}
    checked = 0
    for path, elements in html(pages).items():
        for _, attributes in elements.found:
            link = attributes.get("href", attributes.get("src", ""))
            if not link or link.startswith(("#", "mailto:", "https://")):
                continue
            target = urlsplit(urljoin(f"http://portal.example/{path}", link)).path.removeprefix("/")
            assert (
                target in known
                or f"{target}index.html" in known
                or re.fullmatch(r"daten/\w+/[0-9a-f]{12}/\w+\.\w+", target)
            ), (path, link)
            checked += 1
    assert checked > 50


def test_markup_in_a_datasets_texts_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    evil = "Pegel <script>alert(1)</script> \"><img src=x onerror='alert(2)'>"
    manifest = gauges(tmp_path, title=evil)
    csv = tmp_path / "tageswerte.csv"
    csv.write_text(csv.read_text().replace("Hamm Süddinker", "<b onclick=alert(3)>"), newline="")
    content = {
        path: page.decode()
        for path, page in render(CITY, "http://x.example/", False, [shown(tmp_path, manifest)]).items()
    }
    for elements in html(content).values():
        tags = {tag for tag, _ in elements.found}
        assert "b" not in tags
        assert not [attributes for _, attributes in elements.found if {"onerror", "onclick"} & attributes.keys()]
        assert all(attributes.get("src") for tag, attributes in elements.found if tag == "script")
    assert "&lt;script&gt;alert(1)" in content["index.html"]


def test_a_value_held_back_is_a_dot_and_a_missing_one_a_dash(tmp_path: Path) -> None:
    manifest = residents(tmp_path)
    preview = shown(tmp_path, manifest).previews["bevoelkerung"]
    assert preview.titles == ("Stadtbezirk", "Altersgruppe", "Anzahl Personen")
    assert [cell.text for cell in preview.rows[1]] == ["Heessen", "0–2", "."]
    assert len(preview.rows) == 10
    gauge = shown(tmp_path / "g", gauges(tmp_path / "g")).previews["tageswerte"]
    assert [cell.text for cell in gauge.rows[0]] == ["Hamm Süddinker", "28.10.2026", "40,5"]
    assert gauge.rows[3][2].kind == "missing"


def test_a_datasets_page_says_in_words_what_was_done_to_it(pages: dict[str, str]) -> None:
    people = re.sub(r"\s+", " ", pages["dataset/einwohner/index.html"])
    assert "1 Spalte vergröbert, 2 Werte sind geheim gehalten" in people
    assert "was niemanden erkennbar macht" in people
    assert "1 Prüfung bestanden, 1 Hinweis" in people
    assert "Wert geheim gehalten, damit niemand erkennbar wird" in people
    gauge = pages["dataset/pegelstaende/index.html"]
    assert "enthält keine Angaben zu Personen" in gauge
    assert "Bei der Nutzung zu nennen: <strong>Stadt Hamm, Umweltamt</strong>" in gauge
    assert "https://www.govdata.de/dl-de/by-2-0" in gauge
    assert "3. November 2026, 02:30 Uhr" in gauge
    assert "5. November 2026, 02:30 Uhr" in gauge


def test_what_a_check_counted_among_the_people_of_the_source_is_shown_to_nobody(tmp_path: Path) -> None:
    told = "Spalte geschlecht: 1 von 180.000 Werten (0,0 %) anders als m, w."
    check = {"table": "t", "expectation": "e", "severity": "warning", "success": False, "message": told}

    def page(manifest: Manifest, stage: str) -> str:
        checks = (*manifest.checks, CheckResult.model_validate({**check, "stage": stage}))
        remarked = manifest.model_copy(update={"checks": checks})
        content = render(CITY, "http://x.example/", False, [shown(tmp_path / manifest.dataset, remarked)])
        return content[f"dataset/{manifest.dataset}/index.html"].decode()

    people, gauge = residents(tmp_path / "einwohner"), gauges(tmp_path / "pegelstaende")
    assert told not in page(people, "raw")
    assert told in page(people, "public")
    assert told in page(gauge, "raw")


def test_a_sample_portal_says_on_every_page_that_its_data_is_invented(tmp_path: Path) -> None:
    manifest = gauges(tmp_path)
    content = render(CITY, "http://x.example/", True, [shown(tmp_path, manifest)])
    for path, page in content.items():
        assert not path.endswith(".html") or "sind erfunden" in page.decode(), path


def test_the_page_for_a_wrong_address_finds_its_style_from_any_depth(tmp_path: Path) -> None:
    content = render(CITY, "https://stadt.example/offene-daten/", False, [shown(tmp_path, gauges(tmp_path))])
    assert 'href="/offene-daten/assets/portal.css"' in content["404.html"].decode()


@pytest.mark.parametrize(
    ("octets", "text"),
    [(0, "0 Byte"), (999, "999 Byte"), (1000, "1,0 kB"), (14_249, "14,2 kB"), (999_949, "999,9 kB"),
     (999_950, "1,0 MB"), (3_100_000, "3,1 MB"), (1_500_000_000, "1,5 GB"), (2_500_000_000_000, "2500,0 GB")],
)  # fmt: skip
def test_sizes_are_written_as_germans_read_them(octets: int, text: str) -> None:
    assert german.size(octets).replace("\N{NO-BREAK SPACE}", " ") == text


def test_numbers_have_thousand_dots() -> None:
    assert german.number(1234567) == "1.234.567"
    assert german.counted(1, "Zeile", "Zeilen") == "1 Zeile"
