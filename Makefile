# Every verb of this repository. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help up setup test lint bench matrix chaos chaos-resume chaos-model soak test-the-tests shell screens check-python

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

check-python:
	@test -n "$(PYTHON)" || { echo "Fleetune cannot be set up: it needs Python 3.11 and none is here. Install python3.11, then run this again." >&2; exit 1; }

up: check-python ## set up what is missing, then run everything; Ctrl-C stops all
	@$(PYTHON) config/install.py && exec $(VENV) config/up.py

setup: check-python ## set up what is missing
	@$(PYTHON) config/install.py

test: check-python ## set up what is missing, then lint and run the whole suite
	@$(PYTHON) config/install.py --test && exec $(VENV) -m tests.run

lint: check-python ## ruff, mypy, import floors, templates
	@$(PYTHON) config/install.py --test && exec $(VENV) -m tests.lint

bench: ## measure again every figure of docs/performance.md
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(VENV) -m benchmarks.$$(basename $$file .py) || exit 1; done

matrix: check-python ## every task × method × strategy as a job on two CPU devices; writes the table of docs/training.md (takes minutes)
	@$(PYTHON) config/install.py --test && nice $(VENV) -m tests.matrix $(if $(ONLY),--only "$(ONLY)")

chaos: check-python ## kill N random processes of a whole Fleetune while jobs train (N=20 SEED=…), or make one fault of docs/reliability.md (ONLY=F25 SECONDS=600)
	@$(PYTHON) config/install.py --test && exec $(VENV) $(if $(filter F%,$(ONLY)),-m tests.chaos.drill $(ONLY) $(if $(N),--times $(N)) $(if $(SECONDS),--seconds $(SECONDS)),-m tests.chaos.monkey --kills $(or $(N),20) $(if $(ONLY),--only $(ONLY))) $(if $(SEED),--seed $(SEED))

chaos-resume: check-python ## kill N runs at random steps (N=6 SEED=…) and compare the weights they end with
	@$(PYTHON) config/install.py --test && exec $(VENV) -m tests.chaos.resume --runs $(or $(N),6) $(if $(SEED),--seed $(SEED))

chaos-model: check-python ## let people, devices and clocks do as they like in N histories of the scheduler (N=300)
	@$(PYTHON) config/install.py --test && CHAOS_HISTORIES=$(or $(N),300) exec $(VENV) -m pytest -q tests/chaos/test_model.py

soak: check-python ## a hundred pages and ten stalled readers of 1,000 points a second (SECONDS=600)
	@$(PYTHON) config/install.py --test && exec $(VENV) -m tests.chaos.soak $(if $(SECONDS),--seconds $(SECONDS))

test-the-tests: check-python ## break one promise after another in a copy; each must turn a test red (ONLY=…)
	@$(PYTHON) config/install.py --test && exec $(VENV) -m tests.mutations $(if $(ONLY),--only "$(ONLY)")

screens: ## make the pictures of docs/screens from a running server (URL=… LINK=…)
	@$(VENV) docs/screens/make_screens.py "$(URL)" "$(LINK)"

shell: ## Django's shell on FLEETUNE_HOME
	@$(VENV) manage.py shell
