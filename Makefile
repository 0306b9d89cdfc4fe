# The one list of what can be done here. Needs make and Python 3.11 or newer; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
AXE := 4.14.1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The tests start the program hundreds of times: it is compiled once, whatever the surroundings say.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test soak docs screenshots words fuzz contract bench lint format lock clean system-packages

help: ## this list
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/runtime.stamp ## install what is needed, make sample records and serve them on http://127.0.0.1:8000
	$(BIN)/python manage.py demo
	$(BIN)/python manage.py serve

test: $(VENV)/dev.stamp $(VENV)/axe-$(AXE).stamp system-packages ## everything that has to pass: linter, formatter, types, tests
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -q -n 3 --dist worksteal --durations=10

fuzz: $(VENV)/dev.stamp ## random tables and damaged files, 5,000 of each kind
	$(BIN)/python -m pytest -q -n 3 --dist worksteal tests/test_fuzz.py --hypothesis-profile=fuzz

soak: $(VENV)/dev.stamp system-packages ## the long form of the tests of faults, about ten minutes
	$(BIN)/python -m pytest -q -m soak --soak --durations=10

docs: $(VENV)/dev.stamp ## draw the pictures of the documentation and run its commands anew
	$(BIN)/python -m tests.pictured docs/pictures
	$(BIN)/python -m tests.shown docs/ingest.md
	$(BIN)/python -m tests.shown docs/operations.md

words: $(VENV)/dev.stamp ## collect the texts of the page into the catalogue of each language
	$(BIN)/python -m tests.worded

screenshots: $(VENV)/dev.stamp ## take the pictures of the page for the documentation anew, in Chromium
	$(BIN)/python -m tests.screened docs/pictures

contract: $(VENV)/dev.stamp ## the API against its own description, 200 requests for each operation and all corners
	$(BIN)/python -m pytest -q tests/test_api_contract.py --hypothesis-profile=contract

bench: $(VENV)/dev.stamp ## measure what it costs
	$(BIN)/python -m bench

lint: $(VENV)/dev.stamp ## linter, formatter and type checker, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev.stamp ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

LOCK = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: $(VENV)/dev.stamp ## write requirements*.txt anew from requirements*.in
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -c requirements.txt -o requirements-dev.txt

clean: ## remove the virtual environment and all caches, but no data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Sightings needs Python 3.11 or newer, and there is no $(PYTHON) here; say make PYTHON=/path/to/python." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Sightings needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1); say make PYTHON=python3.12 or whatever yours is called." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu, install python3-venv." >&2; exit 1; }

# A stamp is newer than the lock that it was installed from, so a changed lock is installed by the next command.
$(VENV)/runtime.stamp: requirements.txt | $(VENV)/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --require-hashes -r $<
	@touch $@

# A tenth of all their modules is ever used, and compiled then.
$(VENV)/dev.stamp: requirements-dev.txt | $(VENV)/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --require-hashes --no-compile -r $<
	@touch $@ $(VENV)/runtime.stamp

# Axe-core, of which only the tests run anything: they know the digest of this very version.
$(VENV)/axe-$(AXE).stamp: | $(VENV)/pyvenv.cfg
	@if ! command -v npm >/dev/null 2>&1; then \
		echo "The tests that need axe-core are skipped: there is no npm here (Debian: apt-get install npm)."; \
	elif npm install --silent --no-save --no-package-lock --ignore-scripts --no-audit --no-fund \
		--prefix $(VENV)/axe axe-core@$(AXE); then touch $@; \
	else echo "The tests that need axe-core are skipped: npm could not install it."; fi

# The browser, the three servers: installed only by root on Debian and only if missing; nothing on anyone's own machine changes.
system-packages:
	@missing=; \
	command -v chromium >/dev/null 2>&1 || missing="$$missing chromium"; \
	command -v redis-server >/dev/null 2>&1 || missing="$$missing redis-server"; \
	command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || missing="$$missing nginx-light"; \
	command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "installing$$missing"; \
		export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; \
		if apt-get -qq update && apt-get -qq install -y --no-install-recommends $$missing >/dev/null; then exit 0; fi; \
		reason="apt-get could not install them"; \
	else \
		reason="only root on Debian installs them by itself"; \
	fi; \
	echo "The tests that need$$missing are skipped: not installed here, and $$reason."
