# Ferrygate: `make help` lists the targets. Set-up is done by the targets themselves.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV ?= .venv
ROOT ?= var
BIN := $(VENV)/bin
LOCKS := ops/locks
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run demo test check format types imports lint bench bench-edge bench-ferry lab simulate kill-campaign fuzz fuzz-envelopes \
  waf-conformance status doctor locks clean distclean

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.rules-stamp ## set up, start every role, send one real declaration, serve until Ctrl-C
	@exec $(BIN)/ferrygate up --root $(ROOT)

demo: $(VENV)/.rules-stamp ## the same, but stop after the declaration
	@exec $(BIN)/ferrygate up --root $(ROOT) --demo-only

test: $(VENV)/.dev-stamp $(VENV)/.rules-stamp ## set up and run every test
	@$(BIN)/python -m pytest $(if $(ARGS),$(ARGS),tests -n 2 --dist loadscope --no-loadscope-reorder --max-worker-restart 0)

check: lint types imports ## ruff, mypy strict, import contracts

lint: $(VENV)/.dev-stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q . || { echo "ferrygate: not formatted; make format" >&2; exit 1; }

format: $(VENV)/.dev-stamp ## sort imports and format
	@$(BIN)/ruff check --select I --fix . && $(BIN)/ruff format .

types: $(VENV)/.dev-stamp
	@$(BIN)/mypy

imports: $(VENV)/.dev-stamp
	@$(BIN)/lint-imports

waf-conformance: $(VENV)/.dev-stamp ## CRS=tree [TESTS=corpus]: a Core Rule Set's regression corpus, table by category and level
	@exec $(BIN)/python -m tests.conformance --crs '$(CRS)' $(if $(TESTS),--tests '$(TESTS)') --store .cache/waf-patterns $(ARGS)

bench: $(VENV)/.dev-stamp $(VENV)/.rules-stamp ## figures and ratios of this machine (never a test)
	@exec $(BIN)/python -m perf $(ARGS)

simulate: $(VENV)/.dev-stamp ## the whole road on simulated time and disks: SEEDS=1000 FIRST= PROFILE= PROCESSES=2
	@exec nice $(BIN)/python -m tests.simulation $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FIRST),--first $(FIRST)) \
	  $(if $(PROFILE),--profile $(PROFILE)) $(if $(PROCESSES),--processes $(PROCESSES)) $(ARGS)

kill-campaign: $(VENV)/.dev-stamp ## kill -9 on real processes: KILLS=1000 REQUESTS=1000000 MINUTES= FOLDER=var/campaign (goes on)
	@exec nice $(BIN)/python -m tests.campaign --root $(or $(FOLDER),$(ROOT)/campaign) \
	  $(if $(KILLS),--kills $(KILLS)) $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(MINUTES),--minutes $(MINUTES))

fuzz: $(VENV)/.dev-stamp ## mutated requests at the front door: N=1000000 SEED= PROCESSES=1 SOCKETS=1000
	@exec $(BIN)/python -m tests.fuzz $(if $(N),--count $(N)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(PROCESSES),--processes $(PROCESSES)) $(if $(SOCKETS),--sockets $(SOCKETS))

fuzz-envelopes: $(VENV)/.dev-stamp ## changed bundles, seals, messages, media, proofs: none may be believed: N=1000000 SEED= PROCESSES=1
	@exec $(BIN)/python -m tests.envelopes $(if $(N),--count $(N)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(PROCESSES),--processes $(PROCESSES))

bench-edge: $(VENV)/.dev-stamp $(VENV)/.rules-stamp ## the edge and firewall beside nginx, HAProxy, Apache: ONLY=part,… CRS=tree
	@exec $(BIN)/python -m perf.edge_bench $(if $(ONLY),--only $(ONLY)) $(if $(CRS),--crs $(CRS)) $(ARGS)

bench-ferry: $(VENV)/.dev-stamp ## the ferry: the road, media, log; the diode over a lossy link, pydiode beside it: ONLY=part,… (diode: root, nftables)
	@exec $(BIN)/python -m perf.ferry_bench $(if $(ONLY),--only $(ONLY)) $(ARGS)

lab: $(VENV)/.run-stamp $(VENV)/.rules-stamp ## proof of the gap in network namespaces, as root: TRANSPORT=both LOSS=10
	@exec $(BIN)/python -m ops.lab $(if $(TRANSPORT),--transport $(TRANSPORT)) $(if $(LOSS),--loss $(LOSS)) $(ARGS)

status: $(VENV)/.run-stamp ## every role, lane and queue at a glance
	@$(BIN)/ferrygate status --root $(ROOT)

doctor: $(VENV)/.run-stamp ## what is missing on this machine, with the remedy
	@$(BIN)/ferrygate doctor --root $(ROOT)

locks: $(VENV)/.dev-stamp ## pin the newest versions again, with hashes
	@$(BIN)/pip-compile --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header \
	  --no-emit-index-url --no-emit-find-links -q -o $(LOCKS)/run.txt $(LOCKS)/run.in
	@$(BIN)/pip-compile --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header \
	  --no-emit-index-url --no-emit-find-links -q -o $(LOCKS)/dev.txt $(LOCKS)/dev.in

clean: ## remove caches and the demo installation (var/); keeps .venv
	@rm -rf $(ROOT) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## clean, and remove .venv
	@rm -rf $(VENV)

# --- set-up: redone only when a lock file or the package's metadata changes ---

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "ferrygate: python3 3.11 or newer is needed: apt-get install python3 (or make PYTHON=python3.12)" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "ferrygate: the venv module is missing: apt-get install python3-venv" >&2; exit 2; }
	@echo "ferrygate: making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run-stamp: $(VENV)/bin/python $(LOCKS)/run.txt setup.cfg pyproject.toml
	@echo "ferrygate: installing the packages of $(LOCKS)/run.txt (hashes checked)"
	@$(BIN)/python -m pip install -q --require-hashes -r $(LOCKS)/run.txt
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev-stamp: $(VENV)/.run-stamp $(LOCKS)/dev.txt
	@echo "ferrygate: installing the packages of $(LOCKS)/dev.txt (hashes checked)"
	@$(BIN)/python -m pip install -q --require-hashes -r $(LOCKS)/dev.txt
	@touch $@

$(VENV)/.rules-stamp: $(VENV)/.run-stamp $(wildcard dmz/waf/rule_sets/*)
	@echo "ferrygate: compiling the firewall's rules"
	@$(BIN)/ferrygate waf prepare
	@touch $@
