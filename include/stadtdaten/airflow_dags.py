"""From a contract to an Airflow DAG: the only module of the library that imports Airflow.

The tasks are few and fat (each process start costs seconds of imports), exchange references instead of data, and hold
no logic: each calls one step of ``pipeline``, imported inside the task so that parsing a DAG file stays cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Connection, Context, CronTriggerTimetable, Param, TaskGroup, chain, conf, task
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from stadtdaten import freshness
from stadtdaten.contracts import Contract, load_city, load_contract
from stadtdaten.faults import Fault, Misconfigured
from stadtdaten.settings import endpoint, settings_from_environment

if TYPE_CHECKING:
    from stadtdaten.frames import Endpoint
    from stadtdaten.pipeline import Run

RETRIES = {"retries": 2, "retry_delay": timedelta(minutes=5), "retry_exponential_backoff": 2.0}
"""For steps that talk to other systems. A fault of the data itself is never retried (``_fail_or_retry``)."""


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
        dagrun_timeout=timedelta(hours=6),
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
        from stadtdaten import pipeline

        run = _run(source, context)
        try:
            references = pipeline.take_snapshots(run)
        except Fault as fault:
            raise _fail_or_retry(fault) from None
        for reference in references:
            context["ti"].xcom_push(key=reference["dataset"], value=reference)
        return [f"{reference['dataset']}.candidate" for reference in references if reference["state"] != "unchanged"]

    return snapshot()


def _dataset_tasks(source: str, dataset: str) -> None:
    @task(task_id="candidate", doc_md="Prüfen, anonymisieren, erneut prüfen, Dateien und Metadaten schreiben.")
    def candidate(**context: Any) -> dict[str, Any]:
        reference = context["ti"].xcom_pull(task_ids="snapshot", key=dataset)
        return _step("build_candidate", source, reference, context)

    @task(task_id="decide", doc_md="Mit dem vergleichen, was live ist; als Veröffentlichung festhalten.")
    def decide(reference: dict[str, Any], **context: Any) -> dict[str, Any]:
        return _step("decide", source, reference, context)

    @task(task_id="publish", doc_md="Das Portal auf die Veröffentlichung bringen.", **RETRIES)
    def publish(reference: dict[str, Any], **context: Any) -> dict[str, Any]:
        return _step("publish", source, reference, context)

    @task(task_id="verify", doc_md="Das Portal als Besucher lesen und vergleichen.", **RETRIES)
    def verify(reference: dict[str, Any], **context: Any) -> dict[str, Any]:
        return _step("verify", source, reference, context)

    verify(publish(decide(candidate())))


def _step(name: str, source: str, reference: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Run one step of the pipeline on a reference; faults become Airflow's failures."""
    from stadtdaten import pipeline

    try:
        result: dict[str, Any] = getattr(pipeline, name)(_run(source, context), reference)
    except Fault as fault:
        raise _fail_or_retry(fault) from None
    return result


def _fail_or_retry(fault: Fault) -> Exception:
    """A fault that can pass within the night is retried; anything else fails at once."""
    return fault if fault.retryable else AirflowFailException(fault.message)


def _run(source: str, context: Mapping[str, Any] | Context) -> Run:
    from stadtdaten import pipeline

    instance, dag_run = context["ti"], context["dag_run"]
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return pipeline.prepare(
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
    )
