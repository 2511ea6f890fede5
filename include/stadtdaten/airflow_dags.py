"""From a contract to an Airflow DAG: the only module of the library that imports Airflow.

The tasks are few and fat (each process start costs seconds of imports), exchange references instead of data, and hold
no logic: each calls one step of ``pipeline``, imported inside the task so that parsing a DAG file stays cheap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import (
    DAG,
    Connection,
    Context,
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    TaskGroup,
    chain,
    conf,
    task,
)
from airflow.sdk.exceptions import AirflowNotFoundException

from stadtdaten import freshness
from stadtdaten.contracts import Contract, load_city, load_contract
from stadtdaten.faults import Fault, Misconfigured
from stadtdaten.pipeline.staging import LONGEST_RUN
from stadtdaten.settings import endpoint, settings_from_environment

if TYPE_CHECKING:
    from stadtdaten.frames import Endpoint
    from stadtdaten.pipeline.run import CandidateReference, ReleaseReference, Run

RETRIES: dict[str, Any] = {
    "retries": 2,
    "retry_delay": timedelta(minutes=5),
    "retry_exponential_backoff": 2.0,
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception=[kind for kind in Fault.__subclasses__() if not kind.retryable],
                action=RetryAction.FAIL,
                reason="Das geht nicht vorüber: Eine Wiederholung in derselben Nacht hilft nicht.",
            )
        ]
    ),
}
"""For steps that talk to other systems. A fault of the data itself fails the task at once and is never retried."""


def source_dag(source: str, runbook: str | None) -> DAG:
    """The DAG of one source system: ``snapshot``, then candidate, decide, publish and verify for each dataset.

    ``runbook`` is the DAG file's docstring, shown in the Airflow UI. Raises ContractError, which Airflow shows as the
    import error of this DAG alone.
    """
    settings = settings_from_environment()
    contract = load_contract(settings.contracts / f"{source}.yaml")
    timezone = load_city(settings.city).timezone
    with DAG(
        dag_id=source,
        dag_display_name=contract.title,
        description=contract.description,
        doc_md=runbook,
        schedule=CronTriggerTimetable(freshness.cron(contract.freshness, source), timezone=timezone),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=LONGEST_RUN,
        default_args={"queue": contract.zone, "owner": contract.owner.name},
        tags=["source", *sorted({theme for dataset in contract.datasets for theme in dataset.themes})],
        params={
            "force_rebuild": Param(
                False, type="boolean", title="Neu bauen", description="Auch bei unveränderter Quelle neu bauen."
            )
        },
    ) as dag:
        start = _snapshot_task(contract)
        for dataset in contract.datasets:
            with TaskGroup(dataset.id, tooltip=dataset.title) as group:
                _dataset_tasks(source, dataset.id)
            chain(start, group)
    return dag


def _snapshot_task(contract: Contract) -> Any:
    source = contract.source

    @task.branch(
        task_id="snapshot",
        doc_md="Quelle lesen und mit dem vergleichen, was live ist.",
        execution_timeout=timedelta(seconds=contract.limits.seconds * len(contract.datasets) + 300),
        **RETRIES,
    )
    def snapshot(**context: Any) -> list[str]:
        from stadtdaten.pipeline.snapshot import take_snapshots

        with _told_in_words():
            references = take_snapshots(_run(source, context))
        for reference in references:
            context["ti"].xcom_push(key=reference["dataset"], value=reference)
        return [f"{reference['dataset']}.candidate" for reference in references if reference["state"] != "unchanged"]

    return snapshot()


def _dataset_tasks(source: str, dataset: str) -> None:
    @task(
        task_id="candidate",
        multiple_outputs=False,
        doc_md="Prüfen, anonymisieren, erneut prüfen, Dateien und Metadaten schreiben.",
    )
    def candidate(**context: Any) -> dict[str, Any]:
        from stadtdaten.pipeline.candidate import build_candidate

        reference = context["ti"].xcom_pull(task_ids="snapshot", key=dataset)
        with _told_in_words():
            return {**build_candidate(_run(source, context), reference)}

    @task(
        task_id="decide",
        multiple_outputs=False,
        doc_md="Mit dem vergleichen, was live ist; als Veröffentlichung festhalten.",
    )
    def decide(reference: CandidateReference, **context: Any) -> dict[str, Any]:
        from stadtdaten.pipeline import publication

        with _told_in_words():
            return {**publication.decide(_run(source, context), reference)}

    @task(task_id="publish", multiple_outputs=False, doc_md="Das Portal auf die Veröffentlichung bringen.", **RETRIES)
    def publish(reference: ReleaseReference, **context: Any) -> dict[str, Any]:
        from stadtdaten.pipeline import publication

        with _told_in_words():
            return {**publication.publish(_run(source, context), reference)}

    @task(task_id="verify", multiple_outputs=False, doc_md="Das Portal als Besucher lesen und vergleichen.", **RETRIES)
    def verify(reference: ReleaseReference, **context: Any) -> dict[str, Any]:
        from stadtdaten.pipeline import publication

        with _told_in_words():
            return {**publication.verify(_run(source, context), reference)}

    verify(publish(decide(candidate())))


@contextmanager
def _told_in_words() -> Iterator[None]:
    """A fault goes to the log with its message alone: the errors behind it may quote what was read."""
    try:
        yield
    except Fault as fault:
        raise fault.with_traceback(None) from None


def _run(source: str, context: Mapping[str, Any] | Context) -> Run:
    from stadtdaten.pipeline.run import prepare

    instance, dag_run = context["ti"], context["dag_run"]
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return prepare(
        source,
        settings=settings_from_environment(),
        connect=_connection,
        run_id=dag_run.run_id,
        run_url=f"{base}/dags/{source}/runs/{dag_run.run_id}" if base else "",
        force=bool(context["params"]["force_rebuild"]),
        last_try=instance.try_number > instance.max_tries,
    )


def _connection(connection_id: str) -> Endpoint:
    """The Airflow Connection as an Endpoint. Airflow masks its password in every log."""
    try:
        found = Connection.get(connection_id)
    except AirflowNotFoundException:
        raise Misconfigured(
            f"Die Airflow-Connection {connection_id!r} fehlt.",
            next_step="Unter Admin → Connections anlegen; das Handbuch nennt Art und Felder.",
        ) from None
    return endpoint(
        conn_type=found.conn_type or "",
        host=found.host or "",
        port=found.port,
        schema=found.schema or "",
        login=found.login or "",
        password=found.password or "",
        extra=found.extra_dejson,
    )
