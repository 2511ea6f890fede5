# Image of all Airflow services. Dependencies are a layer of their own, so that a change of code rebuilds in seconds.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow \
    STADTDATEN_HOME=/opt/stadtdaten \
    STADTDATEN_VAR=/var/lib/stadtdaten

# Shift grids of the land surveys: Gauß-Krüger coordinates are not converted without.
RUN apt-get update && apt-get install --yes --no-install-recommends proj-data && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 50000 airflow \
    && install -d -o airflow -m 0700 /var/lib/stadtdaten /var/lib/stadtdaten/takedowns \
    && install -d -o airflow /opt/airflow /srv/portal /srv/releases /srv/candidates /opt/airflow/logs

WORKDIR /opt/stadtdaten
COPY requirements.txt .
RUN pip install --no-cache-dir --requirement requirements.txt

COPY include include
RUN pip install --no-cache-dir --no-deps --editable include
COPY dags dags
COPY plugins plugins
COPY expectations expectations

USER airflow
ENTRYPOINT ["airflow"]
