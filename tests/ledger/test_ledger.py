"""What is written into the ledger comes out again, once, and only where it belongs."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, StatementError

from stadtdaten.faults import Finding
from stadtdaten.frames import CheckResult, DatasetMetadata, Incident, Inputs, Manifest, ReleaseFile
from stadtdaten.ledger import Ledger, Outcome

FORK = multiprocessing.get_context("fork")  # as Airflow starts its tasks
NOW = datetime(2026, 11, 23, 2, 14, 5, 678901, tzinfo=UTC)
FINDING = Finding("expect_column_values_to_be_between", "Höhe: 3 von 12 Werten zu groß.", "baeume", "hoehe", 3, 12)


def opened(
    ledger: Ledger, dataset: str | None = "baeume", kind: str = "gate_failed", at: datetime = NOW
) -> tuple[Incident, bool]:
    return ledger.open_incident(
        "baumkataster", dataset, kind, "quality_raw", "Prüfung nicht bestanden.", (FINDING,), "http://lauf/1", at
    )


def manifest(release: str = "0123456789ab", rows: int = 12) -> Manifest:
    metadata = DatasetMetadata(
        dataset="baeume", source="baumkataster", title="Bäume", description="", keywords=(), themes=(), licence="x",
        attribution="", change_note="", frequency="WEEKLY", deadline_hours=None, grace_hours=0, availability="",
        model_dataset=None, provenance="", owner="", outcome="no_personal_data", legal_basis="",
        issued=NOW, modified=NOW, temporal=None, bbox=None, columns={},
        table_titles={},
    )  # fmt: skip
    file = ReleaseFile(
        path="baeume.csv", title="Bäume", format="CSV", media_type="text/csv", table="baeume", rows=rows, size=345,
        sha256="0" * 64,
    )  # fmt: skip
    return Manifest(
        release=release, source="baumkataster", dataset="baeume", created=NOW,
        inputs=Inputs(content={}, contract="", suites="", code="", previous="ba9876543210"), locks={}, rows_read=rows,
        rows_published=rows, rows_by_table={"baeume": rows}, files=(file, file), metadata=metadata, checks=(),
        anonymisation=(), personal=False, evidence={},
    )  # fmt: skip


def test_an_attempt_is_open_until_it_is_finished(ledger: Ledger) -> None:
    attempt = ledger.start_attempt("baumkataster", "baeume", "2026-11-23", "http://lauf/1")
    running = ledger.last_attempt("baeume")
    assert running is not None
    assert (running.ended, running.outcome, running.night) == (None, None, "2026-11-23")

    ledger.mark_live("baeume", "0123456789ab", "portal", NOW)
    ledger.record_snapshot(attempt, 12, ("neue_spalte",))
    ledger.finish_attempt(attempt, "published", "0123456789ab", rows_published=11, held_back=4)
    ended = ledger.last_attempt("baeume")
    assert ended is not None
    assert ended.ended is not None
    assert ended.ended >= ended.started
    assert ended.started.utcoffset() == timedelta(0)
    assert (ended.rows_read, ended.rows_published, ended.held_back) == (12, 11, 4)
    assert (ended.release, ended.live_release, ended.drift) == ("0123456789ab", "0123456789ab", ("neue_spalte",))


def test_a_held_back_attempt_is_not_the_last_good_one(ledger: Ledger) -> None:
    good = ledger.start_attempt("baumkataster", "baeume")
    ledger.finish_attempt(good, "unchanged")
    outcomes: tuple[Outcome, ...] = ("held_back", "failed", "aborted")
    for outcome in outcomes:
        ledger.finish_attempt(ledger.start_attempt("baumkataster", "baeume"), outcome)
    ledger.finish_attempt(ledger.start_attempt("baumkataster", "andere"), "published")
    last = ledger.last_good_attempt("baeume")
    assert last is not None
    assert last.id == good
    assert ledger.last_good_attempt("unbekannt") is None


def test_attempts_left_by_a_killed_process_are_aborted_once(ledger: Ledger) -> None:
    ledger.finish_attempt(ledger.start_attempt("baumkataster", "baeume"), "published")
    ledger.start_attempt("baumkataster", "spielplaetze")
    ledger.start_attempt("baumkataster", "baeume")
    assert ledger.abort_open_attempts() == 2
    assert ledger.abort_open_attempts() == 0
    last, good = ledger.last_attempt("baeume"), ledger.last_good_attempt("baeume")
    assert last is not None
    assert good is not None
    assert (last.outcome, good.outcome) == ("aborted", "published")


def test_finishing_an_unknown_attempt_is_an_error(ledger: Ledger) -> None:
    from sqlalchemy.exc import NoResultFound

    with pytest.raises(NoResultFound):
        ledger.finish_attempt(4711, "published")


def test_checks_come_back_as_recorded(ledger: Ledger) -> None:
    results = tuple(
        CheckResult(
            table="baeume", stage="raw", expectation="expect_column_values_to_be_between", column="hoehe",
            severity="critical", success=False, element_count=5_000_000_000, unexpected_count=count, message="Zu hoch.",
        )
        for count in (3, 4)
    )  # fmt: skip
    attempt = ledger.start_attempt("baumkataster", "baeume")
    ledger.record_checks(attempt, results)
    ledger.record_checks(attempt, ())
    assert ledger.checks(attempt) == results
    assert ledger.checks(attempt + 1) == ()
    with pytest.raises(IntegrityError):
        ledger.record_checks(attempt + 1, results)


def test_a_release_recorded_again_stays_one(ledger: Ledger, url: str) -> None:
    ledger.record_release(manifest())
    ledger.record_release(manifest())
    with create_engine(url).connect() as connection:
        rows = connection.execute(text("SELECT id, rows, files, size, previous FROM release")).all()
    assert [tuple(row) for row in rows] == [("0123456789ab", 12, 2, 690, "ba9876543210")]


def test_what_is_live_belongs_to_one_portal_and_keeps_its_moment(ledger: Ledger, url: str) -> None:
    ledger.mark_live("baeume", "aaaaaaaaaaaa", "static", NOW)
    ledger.mark_live("baeume", "aaaaaaaaaaaa", "static", NOW + timedelta(days=1))
    with create_engine(url).connect() as connection:
        since = connection.execute(text("SELECT since FROM live")).scalar_one()
    assert str(since).startswith("2026-11-23 02:14:05.678901")
    ledger.mark_live("baeume", "bbbbbbbbbbbb", "static", NOW + timedelta(days=2))
    assert ledger.live_release("baeume", "static") == "bbbbbbbbbbbb"
    assert ledger.live_release("baeume", "ckan") is None


def test_the_same_fault_again_is_the_same_incident(ledger: Ledger) -> None:
    first, new = opened(ledger)
    assert new
    later = NOW + timedelta(days=1)
    again, new = ledger.open_incident(
        "baumkataster", "baeume", "gate_failed", "privacy", "Anders.", (), "http://lauf/2", later, "Nachsehen."
    )
    assert not new
    assert (again.id, again.opened_at, again.last_seen_at, again.occurrences) == (first.id, NOW, later, 2)
    assert (again.gate, again.message, again.findings, again.next_step) == ("privacy", "Anders.", (), "Nachsehen.")
    assert ledger.open_incidents() == (again,)
    assert [alert.event for alert in ledger.claim_alerts(later)] == ["opened"]


def test_findings_and_umlauts_survive_the_database(ledger: Ledger) -> None:
    opened(ledger)
    assert ledger.open_incidents()[0].findings == (FINDING,)


def test_another_kind_another_dataset_or_the_whole_source_is_another_incident(ledger: Ledger) -> None:
    assert [opened(ledger, *which)[1] for which in (
        ("baeume", "gate_failed"), ("baeume", "schema_changed"), ("andere", "gate_failed"), (None, "gate_failed"),
        (None, "gate_failed"),
    )] == [True, True, True, True, False]  # fmt: skip
    assert len(ledger.open_incidents()) == 4


def test_recovery_closes_the_incidents_of_its_dataset_only(ledger: Ledger) -> None:
    for which in (("baeume", "gate_failed"), ("baeume", "schema_changed"), ("andere", "x"), (None, "x")):
        opened(ledger, *which)
    later = NOW + timedelta(days=1)
    closed = ledger.recover("baeume", later)
    assert [(incident.kind, incident.closed_at) for incident in closed] == [
        ("gate_failed", later), ("schema_changed", later)
    ]  # fmt: skip
    assert ledger.recover("baeume", later) == []
    assert [incident.dataset for incident in ledger.open_incidents()] == ["andere", None]
    assert [incident.dataset for incident in ledger.recover_source("baumkataster", later)] == [None]
    assert [incident.dataset for incident in ledger.open_incidents()] == ["andere"]


def test_a_fault_after_recovery_is_a_new_incident_with_a_mail_of_its_own(ledger: Ledger) -> None:
    first, _ = opened(ledger)
    ledger.recover("baeume", NOW)
    second, new = opened(ledger, at=NOW + timedelta(days=1))
    assert new
    assert second.id != first.id
    assert second.message_key("opened") != first.message_key("opened")


@pytest.mark.parametrize("dataset", ["'baeume'", "NULL"])
def test_the_database_itself_refuses_a_second_open_incident(ledger: Ledger, url: str, dataset: str) -> None:
    opened(ledger, None if dataset == "NULL" else "baeume")
    with pytest.raises(IntegrityError), create_engine(url).begin() as connection:
        connection.execute(
            text(
                "INSERT INTO incident (source, dataset, kind, gate, opened_at, last_seen_at, occurrences, message, "
                f"next_step, findings, run_url, live_release) VALUES ('baumkataster', {dataset}, 'gate_failed', '', "
                "'2026-11-23', '2026-11-23', 1, '', '', '[]', '', '')"
            )
        )


def test_an_incident_remembers_what_citizens_saw(ledger: Ledger) -> None:
    ledger.mark_live("baeume", "aaaaaaaaaaaa", "static", NOW - timedelta(days=3))
    assert opened(ledger)[0].live_release == "aaaaaaaaaaaa"


def test_a_claimed_alert_is_nobody_elses(ledger: Ledger) -> None:
    opened(ledger)
    [mine] = ledger.claim_alerts(NOW)
    assert ledger.claim_alerts(NOW + timedelta(minutes=9)) == ()
    ledger.alert_sent(mine.id, NOW)
    assert ledger.claim_alerts(NOW + timedelta(days=9)) == ()


def test_an_alert_that_failed_or_whose_sender_died_comes_again_with_its_message_id(ledger: Ledger) -> None:
    opened(ledger)
    [first] = ledger.claim_alerts(NOW)
    ledger.alert_failed(first.id, "Der Mailserver ist nicht zu gebrauchen.")
    [second] = ledger.claim_alerts(NOW)
    [third] = ledger.claim_alerts(NOW + timedelta(minutes=10))
    assert [each.attempts for each in (first, second, third)] == [1, 2, 3]
    assert {each.message_id for each in (first, second, third)} == {first.incident.message_key("opened")}


def test_recovery_is_told_once_and_replaces_a_mail_that_never_went_out(ledger: Ledger) -> None:
    opened(ledger)
    [alert] = ledger.claim_alerts(NOW)
    ledger.alert_failed(alert.id, "Kein Mailserver.")
    ledger.recover("baeume", NOW + timedelta(days=1))
    [recovered] = ledger.claim_alerts(NOW + timedelta(days=1))
    assert (recovered.event, recovered.incident.event) == ("recovered", "recovered")
    ledger.alert_sent(recovered.id, NOW + timedelta(days=1))
    assert ledger.claim_alerts(NOW + timedelta(days=9)) == ()


def test_a_moment_without_time_zone_is_refused(ledger: Ledger) -> None:
    with pytest.raises(StatementError, match="tz-aware"):
        ledger.mark_live("baeume", "aaaaaaaaaaaa", "static", NOW.replace(tzinfo=None))


def test_the_hour_that_comes_twice_keeps_its_order(ledger: Ledger) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    incident, _ = opened(ledger, at=first)
    again, _ = opened(ledger, at=first.replace(fold=1))
    assert again.last_seen_at - incident.opened_at == timedelta(hours=1)
    assert again.opened_at.utcoffset() == timedelta(0)


def write_with_the_others(barrier: Barrier, told: SimpleQueue[str], url: str, me: str) -> None:
    ledger = Ledger(url)
    check = CheckResult(table="t", stage="raw", expectation="e", severity="warning", success=True, message=me)
    barrier.wait(timeout=60)
    for _ in range(15):
        attempt = ledger.start_attempt("quelle", me)
        ledger.record_checks(attempt, [check] * 3)
        ledger.open_incident("quelle", "gemeinsam", "gate_failed", "", "m", (), "", datetime.now(UTC))
        ledger.mark_live("gemeinsam", me, "static", datetime.now(UTC))
        ledger.finish_attempt(attempt, "published")
        for alert in ledger.claim_alerts(datetime.now(UTC)):
            told.put(alert.message_id)


def test_processes_that_write_at_once_lose_nothing_and_tell_once(ledger: Ledger, url: str) -> None:
    barrier, told = FORK.Barrier(4), FORK.SimpleQueue()
    processes = [
        FORK.Process(target=write_with_the_others, args=(barrier, told, url, f"prozess_{number}"))
        for number in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0] * 4
    [incident] = ledger.open_incidents()
    assert incident.occurrences == 60
    assert told.get() == incident.message_key("opened")
    assert told.empty()
    with create_engine(url).connect() as connection:
        counts = Counter(connection.execute(text("SELECT source, outcome FROM attempt")).all())
        checks = connection.execute(text('SELECT count(*) FROM "check"')).scalar_one()
    assert counts == {("quelle", "published"): 60}
    assert checks == 180


def test_a_reader_does_not_wait_for_a_writer(ledger: Ledger, url: str) -> None:
    opened(ledger)
    with create_engine(url).connect() as writer:
        writer.execute(text("UPDATE incident SET message = 'noch nicht festgeschrieben'"))
        [incident] = ledger.open_incidents()
        assert incident.message == "Prüfung nicht bestanden."
        writer.rollback()
