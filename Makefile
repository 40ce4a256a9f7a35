# Liên Thông. `make demo` and `make test` set up whatever they need; `make help` lists the rest.
SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?= ./var/demo
PYTEST_WORKERS ?= 2
.DEFAULT_GOAL := help

.PHONY: help setup demo plan-demo serve test check format docs bench soak lock clean system-test-tools

help: ## List what you can ask for
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*## "} {printf "  make %-10s %s\n", $$1, $$2}'

setup: $(BIN)/.runtime ## Create the virtual environment with what the product needs
	@$(BIN)/python -m lienthong.infrastructure.steiner

$(BIN)/python:
	@python="$(or $(PYTHON),$$(bash .ci/python))"; \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; '$$python' is $$($$python --version 2>&1). Remedy: apt-get install python3 python3-venv, or make PYTHON=/path/to/python3.11"; exit 1; }; \
	$$python -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing. Remedy (as root): apt-get install python3-venv"; exit 1; }; \
	echo "$$python -m venv $(VENV)"; $$python -m venv $(VENV)

$(BIN)/.runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/runtime.txt
	@echo "$(CURDIR)/src" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/lienthong.pth"
	@printf '#!/bin/sh\nexec "$(CURDIR)/$(BIN)/python" -m lienthong "$$@"\n' > $(BIN)/lienthong && chmod +x $(BIN)/lienthong
	@touch $@

$(BIN)/.dev: requirements/dev.txt $(BIN)/.runtime
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

$(BIN)/.bench: requirements/bench.txt $(BIN)/.dev
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/bench.txt
	@touch $@

demo: $(BIN)/.runtime ## A province at work; ONCE=1 exits when done, DATA=dir chooses the folder
	@$(BIN)/lienthong demo --data "$(DATA)" $(if $(ONCE),--once,)

plan-demo: $(BIN)/.runtime ## A province's network planned, from survey to the investment report
	@$(BIN)/lienthong infrastructure demo

serve: $(BIN)/.runtime ## Serve the data folder DATA (exchange and web)
	@$(BIN)/lienthong serve --data "$(DATA)"

system-test-tools:
	@bash .ci/system-packages

test: $(BIN)/.dev system-test-tools ## The whole test suite
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile $(ARGS)

check: $(BIN)/.dev ## Format, lint, types, import contracts, docs links
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/check.py

format: $(BIN)/.dev ## Put the code into the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(BIN)/.dev ## Write the generated reference pages (CLI, OpenAPI) and check the links
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/check.py

bench: $(BIN)/.bench ## Measure, with the baseline beside each figure; ARGS=--json writes them all
	@$(BIN)/python -m benchmarks $(ARGS)

soak: $(BIN)/.dev system-test-tools ## 2,000 kills of hub and client
	$(BIN)/python -m pytest -m soak -n 0 -p no:cacheprovider --timeout 7200 tests/acceptance

lock: $(BIN)/.dev ## Compile the locked requirements with hashes
	for name in runtime dev bench; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url requirements/$$name.in -o requirements/$$name.txt; done

clean: ## Remove the virtual environment, caches and demo data
	rm -rf $(VENV) var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
