"""German lists: sorted as people look things up."""

from stadtdaten.german import sort_key


def test_titles_with_umlauts_do_not_sort_behind_z() -> None:
    titles = [
        "Zugelassene Kraftfahrzeuge",
        "Öffentliche Ladesäulen",
        "Stundenwerte",
        "Straßen",
        "Städtische Bäume",
        "Otto",
    ]
    assert sorted(titles, key=sort_key) == [
        "Öffentliche Ladesäulen", "Otto", "Städtische Bäume", "Straßen", "Stundenwerte", "Zugelassene Kraftfahrzeuge"
    ]  # fmt: skip
