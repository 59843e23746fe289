# Needs GNU make and Python 3.11 or newer with pip; everything else is installed into .venv.
# A stamp is newer than what it was installed from, so a second start installs nothing.
.DEFAULT_GOAL := help
.PHONY: help run test check fuzz lint fix lock bench bench-uploads bench-graphql bench-subscriptions

VENV := .venv
BIN := $(VENV)/bin
PYTHONS := python3.14 python3.13 python3.12 python3.11 python3
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# A database and a server for each process; the tests of a file stay together.
SHARED_OUT := --numprocesses auto --maxprocesses 4 --dist loadfile
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"

# An environment that was moved, half made, or whose Python is gone is made anew.
ifeq ($(shell test -x $(BIN)/python && grep -sF '$(CURDIR)/$(BIN)/python' $(BIN)/reelgraph),)
.PHONY: $(BIN)/python
endif

help: ## show the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## start Reelgraph with its own database, storage and worker
	@exec $(BIN)/reelgraph serve $(ARGS)

test: $(VENV)/dev.stamp ## run the tests; make test ARGS=tests/unit for some of them
	@$(BIN)/python -m pytest $(SHARED_OUT) $(ARGS)

check: lint ## everything CI runs: lint, then the tests with coverage
	@$(BIN)/python -m pytest --cov $(SHARED_OUT) $(ARGS)

fuzz: $(VENV)/dev.stamp ## compare the ways to execute a query on 50,000 of them
	@EQUIVALENCE_EXAMPLES=50000 $(BIN)/python -m pytest tests/equivalence $(ARGS)

lint: $(VENV)/dev.stamp ## format, style, types, and who may import whom
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

fix: $(VENV)/dev.stamp ## format, and repair what can be repaired
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(VENV)/dev.stamp ## choose versions anew after a change in pyproject.toml; ARGS=--upgrade for the newest
	$(LOCK) --extra embedded --group build --output-file requirements/run.txt $(ARGS)
	$(LOCK) --extra embedded --group dev --constraint requirements/run.txt --output-file requirements/dev.txt $(ARGS)

bench: $(VENV)/dev.stamp ## the short form of all measurements; fails at the end if one misses its goal
	@missed=0; \
	$(BIN)/python bench/scenarios/transcode.py --seconds 30 --rounds 1 || missed=1; \
	$(BIN)/python bench/scenarios/workers.py --rounds 1 || missed=1; \
	$(BIN)/python bench/scenarios/takeover.py --kills 2 || missed=1; \
	$(BIN)/python bench/scenarios/library.py --videos 20000 --rounds 30 || missed=1; \
	$(BIN)/python bench/uploads/presign.py || missed=1; \
	$(MAKE) --no-print-directory bench-uploads ARGS=--short || missed=1; \
	$(MAKE) --no-print-directory bench-graphql ARGS=--short || missed=1; \
	$(MAKE) --no-print-directory bench-subscriptions ARGS="--rounds 1" || missed=1; \
	exit $$missed

bench-uploads: $(VENV)/dev.stamp ## compare uploads with nginx and tus servers; ARGS=--short for less
	@$(BIN)/python bench/uploads/run.py $(ARGS)

bench-graphql: $(VENV)/dev.stamp ## compare the GraphQL endpoint with other servers; ARGS=--short for four of them
	@$(BIN)/python bench/graphql/run.py $(ARGS)

bench-subscriptions: $(VENV)/dev.stamp ## compare subscriptions with Node's graphql-ws; ARGS="--sockets 1000"
	@$(BIN)/python bench/graphql/subscriptions.py $(ARGS)

# Without the system's ensurepip (Debian without python3-venv), the system's own pip fills in.
# Each Python is asked for its version: a name on PATH may be a launcher that starts nothing.
$(BIN)/python:
	@for python in $(PYTHONS); do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		echo "Making $(VENV) with $$($$python --version)"; \
		$$python -m venv --clear $(VENV) >/dev/null 2>&1 && exit; \
		$$python -m venv --clear --without-pip $(VENV) \
			&& $$python -m pip --quiet --python $(BIN)/python install pip && exit; \
		rm -rf $(VENV); \
	done; \
	echo "No Python 3.11 or newer with pip was found as any of: $(PYTHONS)." >&2; \
	echo "Install one, or name it: make PYTHONS=/path/to/python3" >&2; \
	exit 1

$(VENV)/run.stamp: requirements/run.txt pyproject.toml $(BIN)/python
	@echo "Installing what Reelgraph needs into $(VENV); this is done once"
	@$(PIP_INSTALL) --require-hashes --requirement $<
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "Installing what the tests and checks need into $(VENV); this is done once"
	@$(PIP_INSTALL) --require-hashes --requirement $<
	@touch $@
