"""How do visitors reach the StaticPortal's folder? A static web server as strict as a city's should be.

Pages and catalogues are revalidated on every visit; the files of a release lie under ``daten/`` and never change.
"""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

from samplecity.web import Answer, Request, conditional, etag_of

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/xml",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".gpkg": "application/geopackage+sqlite3",
    ".parquet": "application/vnd.apache.parquet",
    ".ttl": "text/turtle; charset=utf-8",
    ".rdf": "application/rdf+xml",
    ".jsonld": "application/ld+json",
}
"""Media types as registered with IANA; a file of another kind is not served."""

LONGEST_NAME, LONGEST_PATH = 255, 2000
"""Bytes; a file system knows no longer names, and a portal no longer paths."""

FOREVER = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"

BUILT_IN_PAGE = """<!DOCTYPE html>
<html lang="de">
<head><meta charset="utf-8"><title>{title}</title></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body>
</html>
"""


class PortalPages:
    """Serves ``<folder>/public``, which is a link to the generation that is live."""

    def __init__(self, folder: Path) -> None:
        self._public = folder / "public"

    def respond(self, request: Request) -> Answer:
        """The file asked for, a redirect to a folder's page, or the page that says there is no such page."""
        if request.method == "POST":
            return Answer(405, CONTENT_TYPES[".txt"], b"", {"Allow": "GET, HEAD"})
        # Resolved once: an answer never mixes two generations, whatever is published meanwhile.
        public = self._public.resolve()
        if not public.is_dir():
            text = "Das Portal ist leer, bis die erste Nacht gelaufen ist."
            return _built_in(404, "Noch ist nichts veröffentlicht", text)
        path = request.path.removeprefix("/")
        parts = path.removesuffix("/").split("/") if path else []
        if len(path.encode("utf-8", "surrogatepass")) > LONGEST_PATH or any(_unsafe(part) for part in parts):
            return _missing(public)
        file = public.joinpath(*parts)
        if file.is_dir():
            if path and not path.endswith("/"):
                return Answer(301, CONTENT_TYPES[".html"], b"", {"Location": quote(request.path) + "/"})
            file = file / "index.html"
        elif path.endswith("/"):
            return _missing(public)
        return _serve(request, file, public)


def _unsafe(part: str) -> bool:
    """Whether a step of the path leads elsewhere or to something hidden, or no file can have that name."""
    too_long = len(part.encode("utf-8", "surrogatepass")) > LONGEST_NAME
    return not part or part.startswith(".") or "\\" in part or "\0" in part or too_long


def _serve(request: Request, file: Path, public: Path) -> Answer:
    content_type = CONTENT_TYPES.get(file.suffix)
    if content_type is None:
        return _missing(public)
    try:
        body, changed = file.read_bytes(), file.stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return _missing(public)
    headers = {
        "ETag": etag_of(body),
        "Last-Modified": formatdate(changed, usegmt=True),
        "Cache-Control": FOREVER if request.path.startswith("/daten/") else REVALIDATE,
        "Access-Control-Allow-Origin": "*",  # open data may be read by any web application
    }
    return conditional(request, Answer(200, content_type, body, headers))


def _missing(public: Path) -> Answer:
    try:
        body = (public / "404.html").read_bytes()
    except FileNotFoundError:
        return _built_in(404, "Diese Seite gibt es nicht", "Bitte prüfen Sie die Adresse.")
    return Answer(404, CONTENT_TYPES[".html"], body, {"Cache-Control": REVALIDATE})


def _built_in(status: int, title: str, text: str) -> Answer:
    body = BUILT_IN_PAGE.format(title=title, text=text).encode()
    return Answer(status, CONTENT_TYPES[".html"], body, {"Cache-Control": REVALIDATE})
