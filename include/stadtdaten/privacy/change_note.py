"""What does the public learn about what anonymisation changed? The change note that dl-de/by-2-0 asks for.

One German sentence for each thing that was done, made of titles and numbers only. Together they are the change note in
the metadata; the portal lists them.

Of the cells of a table only numbers stand here that a reader can count in the files. Any other is one more equation
about what is held back, and may leave only one solution where the attack found many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.protection import CellKey, FrequencyTable, MagnitudeTable, RoundedCounts
from stadtdaten.german import counted, number, share
from stadtdaten.privacy.microdata.loss import Measured
from stadtdaten.privacy.tables.tabulate import Tabulated
from stadtdaten.privacy.treatments import TreatmentNumbers

UNIFORM = "Form und Bezeichnungen wurden vereinheitlicht."

_TREATED = {
    "bands": "{columns} {was} zu Gruppen zusammengefasst.",
    "mapping": "{columns} {was} zu Gruppen zusammengefasst.",
    "lookup": "{columns} {was} durch gröbere Angaben ersetzt.",
    "period": "{columns} {was} auf Zeiträume vergröbert.",
    "prefix": "{columns} {was} gekürzt.",
    "limits": "Besonders hohe oder niedrige Werte von {columns} wurden durch eine Grenze ersetzt.",
    "rounded": "{columns} {was} gerundet.",
    "pseudonym": "{columns} {was} durch wechselnde Kennzeichen ersetzt, die nichts verraten.",
    "grid": "Statt des genauen Ortes {shows} {columns} Zellen des europäischen Gitters.",
    "snap": "Statt des genauen Ortes {shows} {columns} die Mitte der Straße oder des Baublocks.",
    "street": "Aus {columns} wurden die Hausnummern entfernt.",
    "scrub": "Aus {columns} wurden Angaben zu Personen entfernt.",
}
"""Kind of treatment to its sentence; kinds with the same sentence are told together."""


def on_columns(table: Table, numbers: TreatmentNumbers) -> Iterator[str]:
    """What the treatments of single columns did."""
    dropped = sum(not column.published for column in table.columns)
    if dropped:
        yield "Eine Spalte wurde weggelassen." if dropped == 1 else f"{number(dropped)} Spalten wurden weggelassen."
    for sentence in dict.fromkeys(_TREATED[each.kind] for each in numbers.columns):
        titles = [table.column(each.column).title for each in numbers.columns if _TREATED[each.kind] == sentence]
        was, shows = ("wurde", "zeigt") if len(titles) == 1 else ("wurden", "zeigen")
        yield sentence.format(columns=_listed(titles), was=was, shows=shows)
    for each in numbers.columns:
        if each.left_out and each.kind in ("grid", "snap"):
            rows = counted(each.left_out, "Zeile hat", "Zeilen haben")
            yield f"{rows} keinen Ort, weil dort zu wenige liegen."


def on_cells(table: Table, tabulated: Tabulated) -> Iterator[str]:
    """What the method of a table of counts or sums did."""
    spec = table.tabulation
    hidden = tabulated.primary + tabulated.secondary
    if isinstance(spec, MagnitudeTable):
        done, why = "zusammengezählt", "in ihnen zu wenige oder einzelne zu große Beiträge stecken"
    else:
        done, why = "ausgezählt", ""
    with_totals = " und um Summen ergänzt" if spec is not None and spec.margins else ""
    yield f"Die Einzelangaben wurden {done}{with_totals}."
    if isinstance(spec, FrequencyTable):
        if isinstance(spec.protection, RoundedCounts):
            yield (
                f"Alle Werte sind auf Vielfache von {spec.protection.base} gerundet, Werte bis "
                f"{spec.protection.to_zero} auf 0; Summen können deshalb von ihren Teilen abweichen."
            )
            return
        if isinstance(spec.protection, CellKey):
            yield (
                f"Zum Schutz einzelner Personen weichen Werte um höchstens {spec.protection.maximum} vom wahren Wert "
                "ab (Cell-Key-Methode); Summen können deshalb von ihren Teilen abweichen."
            )
            return
        why = f"sie kleiner als {spec.protection.minimum} sind"
        if spec.merged:
            if tabulated.unnamed:
                yield f"Seltene Werte sind unter „{next(iter(spec.merged.values()))}“ zusammengefasst oder weggelassen."
            return
    if not hidden:
        yield "Kein Wert musste geheim gehalten werden."
        return
    yield (
        f"Von {counted(tabulated.cells, 'Wert', 'Werten')} {'ist' if hidden == 1 else 'sind'} {number(hidden)} geheim "
        f"gehalten, weil {why} oder sich solche Werte aus ihnen errechnen ließen."
    )


def on_records(table: Table, measured: Measured) -> Iterator[str]:
    """What made the records of a table look alike."""
    yield (
        f"Jede Zeile gleicht in allem, woran man jemanden erkennen könnte, mindestens {measured.k - 1} anderen; "
        "dafür wurden Angaben zu Gruppen zusammengefasst."
    )
    if measured.left_out:
        yield f"{counted(measured.left_out, 'Zeile wurde', 'Zeilen wurden')} weggelassen."
    yield f"Der Verlust an Genauigkeit beträgt {share(measured.loss)} (NCP)."


def in_all(table: Table, sentences: Sequence[str]) -> tuple[str, ...]:
    """The whole note; also where nothing was to be done."""
    if sentences:
        return (*sentences, UNIFORM)
    if all(column.class_ == "public" for column in table.columns):
        return (
            "Die Daten wurden nicht anonymisiert, weil sie keinen Bezug zu Personen haben; "
            "Form und Bezeichnungen wurden vereinheitlicht.",
        )
    return ("Es wurden keine Angaben verändert; Form und Bezeichnungen wurden vereinheitlicht.",)


def _listed(titles: Sequence[str]) -> str:
    quoted = [f"„{title}“" for title in titles]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} und {quoted[-1]}"
