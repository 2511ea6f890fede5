"""The portal's web server: right types, nothing outside the portal, no listing."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest
import requests

from samplecity.city import SampleCity


@pytest.fixture
def public(city: SampleCity) -> Path:
    portal = city.var / "portal"
    generation = portal / "generations" / "a1"
    (generation / "dataset" / "bäume").mkdir(parents=True)
    (generation / "assets").mkdir()
    release = portal / "daten" / "baeume" / "0123"
    release.mkdir(parents=True)
    for name in ("b.csv", "b.geojson", "b.gpkg", "b.parquet"):
        (release / name).write_bytes(b"Daten")
    (generation / "daten").symlink_to("../../daten")
    for name in ("index.html", "catalog.ttl", "catalog.rdf", "catalog.jsonld", "dataset/bäume/index.html"):
        (generation / name).write_text(f"Inhalt von {name}", encoding="utf-8")
    (generation / ".geheim.txt").write_text("geheim")
    (portal / "notiz.txt").write_text("geheim")
    (portal / "public").symlink_to("generations/a1")
    return generation


def get(city: SampleCity, path: str, **headers: str) -> requests.Response:
    address = f"http://127.0.0.1:{city.ports.portal}{path}"
    return requests.get(address, headers=headers, timeout=60, allow_redirects=False)


@pytest.mark.parametrize(
    ("path", "content_type", "cache"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/dataset/b%C3%A4ume/", "text/html; charset=utf-8", "no-cache"),
        ("/catalog.ttl", "text/turtle; charset=utf-8", "no-cache"),
        ("/catalog.rdf", "application/rdf+xml", "no-cache"),
        ("/catalog.jsonld", "application/ld+json", "no-cache"),
        ("/daten/baeume/0123/b.csv", "text/csv; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/daten/baeume/0123/b.geojson", "application/geo+json", "public, max-age=31536000, immutable"),
        ("/daten/baeume/0123/b.gpkg", "application/geopackage+sqlite3", "public, max-age=31536000, immutable"),
        ("/daten/baeume/0123/b.parquet", "application/vnd.apache.parquet", "public, max-age=31536000, immutable"),
    ],
)
def test_files_have_their_type_and_their_time_in_caches(
    city: SampleCity, public: Path, path: str, content_type: str, cache: str
) -> None:
    answer = get(city, path)
    assert answer.status_code == 200
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (content_type, cache)


@pytest.mark.parametrize(
    "path",
    [
        "/../notiz.txt", "/%2e%2e/notiz.txt", "/dataset/../../notiz.txt", "/..%2fnotiz.txt", "/.geheim.txt", "/assets/",
        "//notiz.txt", "/daten/", "/index.html/", "/index.html/x", "/%00", "/nichts.html", "/dataset\\..\\x.txt",
    ],
)  # fmt: skip
def test_nothing_else_is_served(city: SampleCity, public: Path, path: str) -> None:
    # http.client sends the path as it is, where requests would tidy it up
    connection = http.client.HTTPConnection("127.0.0.1", city.ports.portal, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 404 and b"geheim" not in answer.read()
    connection.close()


@pytest.mark.parametrize("path", ["/" + "x" * 300, "/" + "ä" * 200 + "/", "/" + "x/" * 3000, "/dataset/" + "x" * 5000])
def test_a_path_that_no_file_can_have_is_not_found(city: SampleCity, public: Path, path: str) -> None:
    assert get(city, path).status_code == 404


def test_a_folder_redirects_to_its_page(city: SampleCity, public: Path) -> None:
    answer = get(city, "/dataset/b%C3%A4ume")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/dataset/b%C3%A4ume/")


def test_the_portal_has_its_own_page_for_what_is_missing(city: SampleCity, public: Path) -> None:
    assert "Diese Seite gibt es nicht" in get(city, "/x").text
    (public / "404.html").write_text("Eigene Seite", encoding="utf-8")
    answer = get(city, "/x")
    assert (answer.status_code, answer.text) == (404, "Eigene Seite")


def test_a_new_generation_is_seen_at_once(city: SampleCity, public: Path) -> None:
    tag = get(city, "/").headers["ETag"]
    assert get(city, "/", **{"If-None-Match": tag}).status_code == 304
    following = public.with_name("a2")
    following.mkdir()
    (following / "index.html").write_text("Neu", encoding="utf-8")
    link = city.var / "portal" / "public"
    link.with_name("public.new").symlink_to("generations/a2")
    link.with_name("public.new").replace(link)
    assert get(city, "/", **{"If-None-Match": tag}).text == "Neu"


def test_a_portal_before_its_first_night_says_so(city: SampleCity) -> None:
    answer = get(city, "/")
    assert answer.status_code == 404 and "Noch ist nichts veröffentlicht" in answer.text


def test_head_has_the_length_without_the_body(city: SampleCity, public: Path) -> None:
    answer = requests.head(f"http://127.0.0.1:{city.ports.portal}/catalog.ttl", timeout=60)
    assert answer.headers["Content-Length"] == str(len("Inhalt von catalog.ttl")) and answer.content == b""


def test_nobody_posts_to_the_portal(city: SampleCity, public: Path) -> None:
    assert requests.post(f"http://127.0.0.1:{city.ports.portal}/", data="x", timeout=60).status_code == 405
