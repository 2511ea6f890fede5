# Everything a newcomer or a CI machine calls. Needs Python 3.11 or newer with venv, make, and a package index.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv pip

# Without compiled bytecode every start of a process pays for its imports again: Airflow 3.4 s instead of 1.5 s.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH
unexport PYTHONHOME
# A city's network often opens TLS with a certificate of its own, which only the system's store knows.
export UV_SYSTEM_CERTS ?= 1
export VIRTUAL_ENV := $(CURDIR)/$(VENV)

.DEFAULT_GOAL := help
.PHONY: help venv refresh up down clean test test-fast test-browser test-peers test-judges lint lock

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# $(call debian,a file of each,packages): what is needed of Debian, installed when we are root, else named. The services
# among the packages are not started: the tests start their own.
define debian
@if ! ls $(1) >/dev/null 2>&1; then \
    if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
        echo "Debian's packages are missing: sudo apt-get install $(2)"; exit 1; \
    fi; \
    if [ ! -e $(POLICY) ]; then \
        trap "rm -f $(POLICY)" EXIT; printf '#!/bin/sh\nexit 101\n' >$(POLICY); chmod +x $(POLICY); \
    fi; \
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null; \
fi
endef

POLICY := /usr/sbin/policy-rc.d
PROJ_DATA := /usr/share/proj/BETA2007.gsb
PEERS := /usr/lib/cgi-bin/mapserv /usr/sbin/sshd /usr/sbin/vsftpd /usr/share/postgresql/*/extension/postgis.control

refresh: venv  ## Run the nightly refresh of every source once, through Airflow, and show how it ended
	$(call debian,$(PROJ_DATA),proj-data)
	@$(BIN)/samplecity refresh

up: venv  ## Start Airflow, sample city, portal and mailbox; Ctrl-C ends them
	$(call debian,$(PROJ_DATA),proj-data)
	@$(BIN)/samplecity up

down:  ## End what `make up` or `make refresh` runs elsewhere, or what a killed one left
	@if [ -x $(BIN)/samplecity ]; then $(BIN)/samplecity down; else echo "Nothing is running."; fi

clean:  ## End what is running and delete all state (var/)
	@if [ -x $(BIN)/samplecity ]; then $(BIN)/samplecity clean; \
	elif [ -d var ] && ! rmdir var 2>/dev/null; then \
	    echo "var/ is not empty, and without $(VENV) nobody knows what runs on it: make venv, then make clean"; exit 1; \
	fi

test: $(VENV)/complete-dev  ## Run the tests that need neither a browser nor other people's servers
	$(call debian,$(PROJ_DATA),proj-data)
	@$(BIN)/pytest -n 2 -m "not browser and not peers and not judges"

test-fast: $(VENV)/complete-dev  ## Run the tests of `make test` that need no running Airflow
	$(call debian,$(PROJ_DATA),proj-data)
	@$(BIN)/pytest -n 2 -m "not browser and not peers and not judges and not airflow"

test-browser: $(VENV)/complete-dev  ## Run the tests in Debian's Chromium (installed with apt-get when we are root)
	$(call debian,/usr/bin/chromium,chromium)
	@$(BIN)/pytest -m browser

test-peers: $(VENV)/complete-dev $(VENV)-peers/complete  ## Run the tests against real servers (installed likewise)
	$(call debian,$(PEERS),cgi-mapserver openssh-server vsftpd postgresql-postgis)
	@$(BIN)/pytest tests/peers

test-judges: $(VENV)/complete-dev $(VENV)-judges/complete  ## Have published records judged by pycanon, anjana and anonypy
	@$(BIN)/pytest tests/judges

lint: $(VENV)/complete-dev  ## Judge the code: style, types, layers, contracts, suites, docker-compose.yaml
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/stadtdaten check
	@if [ -f docker-compose.yaml ]; then \
	    set -x; $(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yaml; \
	fi

lock: venv  ## Resolve requirements*.in anew into the pinned requirements*.txt (one lock for all Python versions)
	$(UV) compile -q --universal --python-version 3.11 --no-header --upgrade requirements.in -o requirements.txt
	$(UV) compile -q --universal --python-version 3.11 --no-header --upgrade requirements-dev.in -o requirements-dev.txt
	$(UV) compile -q --universal --python-version 3.11 --no-header --upgrade requirements-peers.in -o requirements-peers.txt
	$(UV) compile -q --universal --python-version 3.11 --no-header --upgrade requirements-judges.in -o requirements-judges.txt

venv: $(VENV)/complete  ## Create .venv from the pinned requirements (done by the others when needed)

# The file `complete` is written last: a virtual environment without it is begun anew.
$(VENV)/complete: requirements.txt include/pyproject.toml
	@$(PYTHON) -c '' 2>/dev/null || { \
	    echo "There is no '$(PYTHON)'. Install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed. Name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "'$(PYTHON)' has no venv module. On Debian or Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version), about half a minute ..."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@{ $(BIN)/pip install -q --disable-pip-version-check uv==$(UV_VERSION) \
	    && $(UV) install -q --compile-bytecode -r requirements.txt -e include; } || { \
	    echo "The packages could not be installed (reason above). Is a package index reachable, and is there 2 GB of"; \
	    echo "free disk? If the reason is a certificate (UnknownIssuer): the certificate of your network's proxy belongs"; \
	    echo "into the system's store (Debian: /usr/local/share/ca-certificates, then update-ca-certificates); pip also"; \
	    echo "needs PIP_CERT=/etc/ssl/certs/ca-certificates.crt. The next call begins again."; exit 1; }
	@touch $@

$(VENV)/complete-dev: requirements-dev.txt $(VENV)/complete
	@$(UV) install -q --compile-bytecode -r requirements-dev.txt || { \
	    echo "The packages for tests and checks could not be installed (reason above)."; exit 1; }
	@touch $@

# pygeoapi wants other versions than we do, so it lives apart.
$(VENV)-peers/complete: requirements-peers.txt $(VENV)/complete
	@rm -rf $(VENV)-peers
	@$(PYTHON) -m venv --without-pip $(VENV)-peers
	@VIRTUAL_ENV=$(CURDIR)/$(VENV)-peers $(UV) install -q --compile-bytecode -r requirements-peers.txt || { \
	    echo "The servers for the tests could not be installed (reason above)."; exit 1; }
	@touch $@

# pycanon and anjana want pandas 2, so they live apart too.
$(VENV)-judges/complete: requirements-judges.txt $(VENV)/complete
	@rm -rf $(VENV)-judges
	@$(PYTHON) -m venv --without-pip $(VENV)-judges
	@VIRTUAL_ENV=$(CURDIR)/$(VENV)-judges $(UV) install -q --compile-bytecode -r requirements-judges.txt || { \
	    echo "The judges of published records could not be installed (reason above)."; exit 1; }
	@touch $@
