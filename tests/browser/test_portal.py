"""The portal in a real browser: accessible, complete without script, and silent towards the rest of the world."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from sample_releases import CITY, FIRST_NIGHT, gauges, residents
from stadtdaten.portals import StaticPortal
from stadtdaten.releases import ReleaseStore

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PAGES = {
    "startseite": "",
    "datensatz": "dataset/pegelstaende/",
    "datensatz-personen": "dataset/einwohner/",
    "impressum": "impressum.html",
    "datenschutz": "datenschutz.html",
    "barrierefreiheit": "barrierefreiheit.html",
    "nicht-gefunden": "404.html",
}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium (Debian: chromium)"),
]


class QuietHandler(SimpleHTTPRequestHandler):
    """Python's own web server, without a line per request."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a portal with two datasets, one of them with an earlier release."""
    folder = tmp_path_factory.mktemp("portal")
    store = ReleaseStore(str(folder / "releases"))
    handler = partial(QuietHandler, directory=str(folder / "portal" / "public"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        portal = StaticPortal(folder / "portal", address, CITY, True, store)
        first = gauges(folder / "first")
        second = gauges(folder / "second", night=2, previous=first.release)
        people = residents(folder / "people")
        for name, manifest in (("first", first), ("second", second), ("people", people)):
            store.keep(folder / name, manifest)
            portal.reconcile(manifest, folder / name)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield address
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """The accessibility judge axe-core, as its Python package ships it."""
    return (files("axe_playwright_python") / "axe.min.js").read_text()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page_kind", PAGES)
def test_a_page_has_no_barrier_and_asks_nobody_else(
    browser: Any, address: str, axe: str, page_kind: str, scheme: str, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, locale="de-DE", bypass_csp=True
    )
    context.clock.set_fixed_time(FIRST_NIGHT + timedelta(days=2))
    page = context.new_page()
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(address + PAGES[page_kind])
    folder = ROOT / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{page_kind}-{scheme}-{width}.png", full_page=True)
    page.evaluate(axe)
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    context.close()
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in result["violations"]] == []
    assert troubles == []
    assert asked and all(url.startswith(address) for url in asked)
    assert too_wide <= 0


def test_the_strict_policy_of_the_pages_lets_their_own_script_and_style_through(browser: Any, address: str) -> None:
    page = browser.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.goto(address)
    assert page.locator("#suche").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).display") == "grid"
    page.evaluate(
        "document.head.append(Object.assign(document.createElement('script'), {textContent: 'window.evil = 1'}))"
    )
    assert page.evaluate("window.evil") is None
    assert len(troubles) == 1
    assert "Content Security Policy" in troubles[0]
    page.close()


def test_the_search_finds_by_every_word_without_regard_to_umlauts(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    cards, status = page.locator("[data-text]"), page.get_by_role("status")
    playwright.expect(status).to_have_text("2 Datensätze")
    search = page.get_by_label("Datensätze durchsuchen")
    search.fill("flieSSgewasser csv")
    playwright.expect(cards.filter(visible=True)).to_have_count(1)
    playwright.expect(status).to_have_text("1 von 2 Datensätzen")
    search.fill("kernkraft")
    playwright.expect(cards.filter(visible=True)).to_have_count(0)
    playwright.expect(page.get_by_text("Kein Datensatz passt")).to_be_visible()
    search.press("Enter")
    search.fill("")
    playwright.expect(cards.filter(visible=True)).to_have_count(2)
    page.goto(address + "?suche=Statistik")
    playwright.expect(cards.filter(visible=True)).to_have_count(1)
    page.close()


def test_without_script_the_list_is_complete_and_says_the_date(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    playwright.expect(page.locator("[data-text]").filter(visible=True)).to_have_count(2)
    playwright.expect(page.get_by_text("Stand: 3. November 2026")).to_be_visible()
    playwright.expect(page.locator("#suche")).to_be_hidden()
    context.close()


@pytest.mark.parametrize(
    ("today", "text"),
    [
        (datetime(2026, 11, 3, 12, tzinfo=UTC), "Aktuell in den letzten 24 Stunden geändert"),
        (datetime(2026, 11, 4, 12, tzinfo=UTC), "Aktuell vor einem Tag geändert"),
        (datetime(2026, 11, 6, 1, 29, tzinfo=UTC), "Aktuell vor 2 Tagen geändert"),
        (datetime(2026, 11, 6, 1, 31, tzinfo=UTC), "Überfällig vor 3 Tagen geändert"),
    ],
)
def test_the_badge_says_how_old_the_data_is_today(browser: Any, address: str, today: datetime, text: str) -> None:
    context = browser.new_context()
    context.clock.set_fixed_time(today)
    page = context.new_page()
    page.goto(address + PAGES["datensatz"])
    playwright.expect(page.locator("[data-freshness]")).to_have_text(text)
    context.close()


def test_every_control_is_reached_by_keyboard_and_shows_the_focus(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    page.keyboard.press("Tab")
    playwright.expect(page.get_by_role("link", name="Zum Inhalt springen")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    playwright.expect(page.locator("#suche")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.close()
