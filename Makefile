# make demo   sets up, draws a shop, runs everything on it and serves its page
# make test   sets up and runs the tests
# make test-long  runs the tests that take minutes: a Ray cluster that loses a node, training on it
# make lint   ruff, ruff-format and mypy
# make fuzz   tries every operation of the API for up to 20 minutes (FUZZ_SECONDS)
# make configs  writes configs/base.yaml anew from the settings' comments
# make lock   writes the requirements files anew from setup.cfg

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3,$(shell command -v $(name))))
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

DEMO_DIR ?= demo
DEMO_PORT ?= 8080
DEMO_SERVE ?= 1
FUZZ_SECONDS ?= 1200
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long fuzz lint lock configs browser postgresql clean

help:
	@sed -n 's/^# make/make/p' Makefile

setup: $(STAMP)

$(STAMP): requirements/dev.txt setup.cfg
	@echo "setting up $(VENV) from requirements/dev.txt (about 1 GB to fetch the first time)"
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 12); \
	  sys.exit(0 if ok else "Vitrine needs Python 3.11 or 3.12: make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: setup
	$(BIN)/vitrine demo $(DEMO_DIR) --port $(DEMO_PORT) $(if $(filter 0,$(DEMO_SERVE)),--no-stay)

test: setup
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-long: setup
	$(BIN)/python -m pytest -m long $(PYTEST_ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fuzz: setup
	$(BIN)/python -m tests.serving.fuzz.campaign --seconds $(FUZZ_SECONDS)

# One lock for Linux; --no-emit-* keeps download addresses out of the files.
LOCK := uv pip compile setup.cfg --quiet --python-platform x86_64-manylinux_2_28 --python-version 3.11 --generate-hashes \
  --no-annotate --no-header --no-emit-index-url --no-emit-find-links
lock:
	$(LOCK) --extra dev --output-file requirements/dev.txt
	$(LOCK) --constraint requirements/dev.txt --output-file requirements/runtime.txt

configs: setup
	$(BIN)/python configs/write_base.py

browser:
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -y -qq chromium)

postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || (apt-get update -qq && apt-get install -y -qq postgresql)

clean:
	rm -rf $(VENV) $(DEMO_DIR) build dist *.egg-info
