"""Runs pygeoapi over one GeoJSON file; a script for the virtual environment .venv-peers, not a module of the tests.

    python pygeoapi_server.py <folder> <port>

``<folder>/baeume.geojson`` is the collection ``baeume``. Beside it a test may lay what is to happen when the second
page is asked for: ``baeume.next`` then takes the file's place, and where ``stop`` lies the server ends without a word.
"""

import os
import sys
from pathlib import Path

import yaml
from werkzeug.serving import make_server

folder, port = Path(sys.argv[1]), int(sys.argv[2])
url = f"http://127.0.0.1:{port}"
data = folder / "baeume.geojson"
config = {
    "server": {
        "bind": {"host": "127.0.0.1", "port": port},
        "url": url,
        "mimetype": "application/json; charset=UTF-8",
        "encoding": "utf-8",
        "languages": ["de-DE"],
        "limits": {"default_items": 10, "max_items": 1000},
        "map": {"url": f"{url}/{{z}}/{{x}}/{{y}}.png", "attribution": "-"},
    },
    "logging": {"level": "ERROR"},
    "metadata": {
        "identification": {
            "title": "Probe",
            "description": "Probe",
            "keywords": ["Probe"],
            "keywords_type": "theme",
            "terms_of_service": "-",
            "url": url,
        },
        "license": {"name": "Probe", "url": url},
        "provider": {"name": "Probe", "url": url},
        "contact": {"name": "Probe", "email": "probe@example.org"},
    },
    "resources": {
        "baeume": {
            "type": "collection",
            "title": "Bäume",
            "description": "Bäume",
            "keywords": ["Baum"],
            "extents": {
                "spatial": {"bbox": [7.5, 51.5, 8.1, 51.9], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
            },
            "providers": [
                {
                    "type": "feature",
                    "name": "GeoJSON",
                    "data": str(data),
                    "id_field": "kennung",
                    "crs": [
                        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
                        "http://www.opengis.net/def/crs/EPSG/0/25832",
                    ],
                    "storage_crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
                }
            ],
        }
    },
}
(folder / "config.yml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
os.environ["PYGEOAPI_CONFIG"] = str(folder / "config.yml")
os.environ["PYGEOAPI_OPENAPI"] = str(folder / "openapi.yml")

from pygeoapi.openapi import generate_openapi_document  # noqa: E402  the configuration is read at import

document = generate_openapi_document(folder / "config.yml", "yaml")
(folder / "openapi.yml").write_text(document, encoding="utf-8")

from pygeoapi.flask_app import APP  # noqa: E402


def with_incidents(environ, start_response):
    """The server as it is, but for what the test wants to happen before its second page."""
    if "offset=1000" in environ["QUERY_STRING"]:
        if (folder / "stop").exists():
            os._exit(0)
        if (folder / "baeume.next").exists():
            (folder / "baeume.next").replace(data)
    return APP.wsgi_app(environ, start_response)


make_server("127.0.0.1", port, with_incidents, threaded=True).serve_forever()
