"""Is a layer that came in pages whole? What has come so far, compared with what the server promised.

Every service that delivers pages can leave features out or repeat them, when its data changes between two pages or
its paging does not work. Nothing of that is visible in any one page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from stadtdaten.extract.budget import Budget
from stadtdaten.faults import SourceInMotion, SourceUnreadable


class Pages:
    """The pages of one table; ``received`` counts their features, ``promised`` is None as long as no server counts."""

    def __init__(self, table: str, budget: Budget) -> None:
        self._table = table
        self._budget = budget
        self._ids: set[str] = set()
        self._last = ""
        self.count = 0
        self.received = 0
        self.promised: int | None = None

    def promise(self, total: int | None) -> None:
        """Book the server's own count of the whole layer. Raises SourceInMotion if it said otherwise before."""
        if self.promised is not None and total is not None and total != self.promised:
            raise SourceInMotion(
                f"Tabelle „{self._table}“: Die Gesamtzahl der Objekte änderte sich beim Lesen von {self.promised} auf "
                f"{total}; die Quelle wird gerade bearbeitet.",
                next_step="Abwarten, der Lauf wird wiederholt.",
            )
        if total is not None:
            self.promised = total
            self._budget.check_rows(total)

    def add(self, features: int, ids: Sequence[str], sha256: str) -> None:
        """Book a page: how many features it holds, their ids as far as they have any, and the hash of its features.

        Raises SourceUnreadable if it repeats features or a whole page, or brings more than promised or allowed.
        """
        self.count += 1
        known = [identifier for identifier in ids if identifier]
        repeated = len(known) - len(set(known)) + len(self._ids.intersection(known))
        if repeated:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: {repeated} Objekte auf Seite {self.count} der Quelle kamen schon vor; "
                "dafür fehlen vermutlich andere.",
                next_step="Den Lauf wiederholen: Vielleicht wurde die Quelle gerade bearbeitet. Bleibt es dabei, den "
                "Betrieb des Dienstes ansprechen: Das Blättern wirkt nicht, oder die Reihenfolge wechselt.",
            )
        if features and sha256 == self._last:
            # Without ids nothing else tells, and a server that does not count would go on for ever.
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Die Quelle schickt Seite {self.count - 1} noch einmal.",
                next_step="Den Betrieb des Dienstes ansprechen: Das Blättern wirkt nicht.",
            )
        self._last = sha256
        self._ids.update(known)
        self.received += features
        self._budget.check_rows(self.received)

    @property
    def complete(self) -> bool:
        """Whether exactly as many features have come as were promised; False where nothing was promised."""
        return self.promised is not None and self.received == self.promised

    @property
    def too_many(self) -> bool:
        """Whether more features have come than were promised: reading on would not make it right."""
        return self.promised is not None and self.received > self.promised

    def check_sum(self) -> None:
        """Raises SourceUnreadable if more or fewer features have come than the server counts."""
        if self.promised is not None and self.received != self.promised:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Die Quelle nennt {self.promised} Objekte und liefert {self.received}.",
                next_step="Den Betrieb des Dienstes ansprechen: Die Seiten ergeben nicht den ganzen Bestand.",
            )


def with_query(url: str, parameters: Mapping[str, str | int]) -> str:
    """The address with these parameters behind those that it has already (the connection's, which may hold a key)."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(parameters))))
    return urlunsplit(parts._replace(query=query, fragment=""))


def linked(link: str, base: str) -> str:
    """A server's link to a page, with what it leaves out of the connection's query: a key is not always repeated."""
    there = {name for name, _ in parse_qsl(urlsplit(link).query, keep_blank_values=True)}
    asked = parse_qsl(urlsplit(base).query, keep_blank_values=True)
    return with_query(link, {name: value for name, value in asked if name not in there})
