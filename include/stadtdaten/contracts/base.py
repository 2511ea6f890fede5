"""The kinds of words that every part of a contract is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,62}$")]
"""Lower-case ASCII name of a source, dataset, table or column; also its name in URLs and files."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Mailbox = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]
"""A functional mailbox (an office, never a person)."""

WebAddress = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")]
"""An absolute address: a relative IRI such as ``www.hamm.de`` is worthless once harvested."""

HostName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+$|^\[[0-9a-f:]+\]$")]
"""Name or address of a server as it stands in a URL, in lower case, without port."""

Epsg = Annotated[str, StringConstraints(pattern=r"^EPSG:\d{4,6}$")]

JsonPath = Annotated[str, StringConstraints(pattern=r"^[^/]+(/[^/]+)*$")]
"""Names of members that lead to a value in a JSON document or row: `requests`, `result/items`."""


class Strict(BaseModel):
    """Base of all contract models: immutable; unknown keys are errors, and so are .nan and .inf: they limit nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
