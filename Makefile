# Two commands matter: `make demo` and `make test`. Both set up first, from the lock file.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test check bench fuzz faults layers clean help

help: ## List what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

setup: $(READY) ## Make .venv with every locked dependency and .venv/bin/yikatong

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.11"; exit 1; }
	@echo "正在安装依赖到 $(VENV)（首次约 800 MB，需几分钟）…  Installing dependencies from the lock file."
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check \
		"uv==$$(sed -n '/^name = "uv"$$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)"; }
	@$(BIN)/uv sync --frozen --all-extras --quiet --system-certs
	@touch $@

demo: setup ## Pay four subsidies on the local cloud, from roster to public record
	@$(BIN)/yikatong demo

# Their cases all have one name, and pytest-xdist runs a name once.
SAME_NAMES := tests/functions/test_public_api_fuzzed.py tests/scenarios/test_public_api_attacked.py

test: setup ## Run every test, those that need the local cloud beside the others
	@$(BIN)/python -m pytest -n 2 $(addprefix --ignore=,$(SAME_NAMES))
	@$(BIN)/python -m pytest $(SAME_NAMES)

check: setup ## Lint, format and strict types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup ## Measure rosters against the raw read, pandera and pydantic, and a 10,000-payee batch step by step
	@$(BIN)/python -m tests.benchmarks.validation
	@$(BIN)/python -m tests.benchmarks.payout
	@$(BIN)/python -m tests.benchmarks.public_api
	@$(BIN)/python -m tests.benchmarks.query
	@$(BIN)/python -m tests.benchmarks.page_weight

FUZZ_S ?= 600

fuzz: setup ## Fuzz the reading of rosters for FUZZ_S seconds (600); what it finds is kept under tests/fuzz/found
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_S)

HISTORIES ?= 20000

faults: setup ## Simulate HISTORIES histories of faults (20000), catch every defect planted on purpose, and crash at every call of the local cloud's workers
	@$(BIN)/python -m tests.simulation --histories $(HISTORIES) --seed 1
	@$(BIN)/python -m tests.simulation.mutants
	@$(BIN)/python -m tests.faults

layers: setup ## Build the Lambda layers for AWS into build/layers
	@$(BIN)/python -m infra.layers build build/layers

clean: ## Remove what the above made
	@rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
