"""How does an OParl 1.1 server answer? A system, one body, paged lists with filters, objects at their own addresses.

https://oparl.org/spezifikation/, chapters 2.5 (lists), 2.8 (deleted objects) and 3 (schema).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from samplecity.web import Answer, Request

SCHEMA = "https://schema.oparl.org/1.1/"
PAGE = 25
LARGEST_PAGE = 100
"""Objects of a page, and how many a client may ask for (``limit``)."""

Object = dict[str, Any]


def oparl_object(kind: str, address: str, modified: str, **properties: Any) -> Object:
    """An object with what all have in common; properties without a value are left out, as the standard allows."""
    given = {name: value for name, value in properties.items() if value not in (None, [], "")}
    common = {"id": address, "type": SCHEMA + kind, **given}
    return {**common, "created": "2020-11-02T08:00:00+01:00", "modified": modified}


def deleted_object(kind: str, address: str, modified: str) -> Object:
    """What is left of an object that was deleted."""
    return {**oparl_object(kind, address, modified), "deleted": True}


def answer_list(request: Request, url: str, objects: Sequence[Object]) -> Answer:
    """The list at ``url``, or the object below it; deleted ones are listed only where ``modified_since`` is asked."""
    number = request.path.rpartition(url.rpartition("/")[2])[2].strip("/")
    if number:
        found = [each for each in objects if each["id"] == f"{url}/{number}"]
        return json_answer(found[0]) if found else Answer(404, "text/plain; charset=utf-8", b"Not Found\n")
    asked = dict(parse_qsl(request.query))
    listed = [each for each in objects if _passes(each, asked)]
    size = max(1, min(int(asked.get("limit", PAGE)), LARGEST_PAGE))
    page, pages = int(asked.get("page", "1")), max(1, -(-len(listed) // size))

    def link(to: int) -> str:
        return f"{url}?{urlencode({**asked, 'page': to})}"

    links = {"first": link(1), "self": link(page), "last": link(pages)}
    if page > 1:
        links["prev"] = link(page - 1)
    if page < pages:
        links["next"] = link(page + 1)
    pagination = {"totalElements": len(listed), "elementsPerPage": size, "currentPage": page, "totalPages": pages}
    return json_answer({"data": listed[(page - 1) * size : page * size], "pagination": pagination, "links": links})


FILTERS: dict[str, tuple[str, Callable[[datetime, datetime], bool]]] = {
    "created_since": ("created", datetime.__ge__),
    "created_until": ("created", datetime.__le__),
    "modified_since": ("modified", datetime.__ge__),
    "modified_until": ("modified", datetime.__le__),
}
"""Parameter of a list to the property it looks at, and how."""


def _passes(each: Object, asked: dict[str, str]) -> bool:
    if each.get("deleted") and "modified_since" not in asked:
        return False
    return all(
        compare(datetime.fromisoformat(each[name]), datetime.fromisoformat(asked[parameter]))
        for parameter, (name, compare) in FILTERS.items()
        if parameter in asked
    )


def json_answer(content: Object) -> Answer:
    """The object as JSON; other web pages may read it (CORS), as the standard asks."""
    body = json.dumps(content, ensure_ascii=False).encode()
    return Answer(200, "application/json", body, {"Access-Control-Allow-Origin": "*"})
