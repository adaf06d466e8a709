# Every target makes what it needs by itself: a fresh clone, Python 3.11+, Java 17+ and make are enough.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test lint type unit integration e2e crash full bench fmt lock clean environment machine

VENV ?= $(CURDIR)/.venv
BIN := $(VENV)/bin
UV ?= uv
# The full drill; the suite kills three times.
KILLS ?= 60
# What tests draw is the same each time, except where a seed is given; the full drill and `full` take a new one.
SEED ?=
DRAWN = TESTS_SEED=$(SEED) $(TESTING) "$(BIN)/python" -m pytest $(if $(SEED),--hypothesis-seed=$(SEED))
# Two files of tests at a time, each with a Spark and a PostgreSQL of its own. Files stay whole: many of them tell one
# story in one home, which costs more than a balance to the second would save. tests/conftest.py begins with the longest.
WORKERS ?= 2
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
export VENV

# Tests bring their own settings; nobody's key or warehouse may reach them.
TESTING := env -u CMC_API_KEY -u CRYPTOELT_API__KEY -u CRYPTOELT_API__BASE_URL -u CRYPTOELT_WAREHOUSE__URL -u CRYPTOELT_HOME
DEMO_HOME = $${CRYPTOELT_HOME:-$(CURDIR)}/.demo
COMPILE := UV_CUSTOM_COMPILE_COMMAND='make lock' $(UV) pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate $(if $(UPGRADE),--upgrade)

help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make the environment, then prepare this machine and the home (CRYPTOELT_HOME, else this folder).
	@scripts/environment.sh run
	@"$(BIN)/cryptoelt" setup

demo: ## Fill a warehouse from a synthetic market, in a home of its own (.demo).
	@scripts/environment.sh run
	@mkdir -p "$(DEMO_HOME)"
	@env -u CRYPTOELT_WAREHOUSE__URL CRYPTOELT_HOME="$(DEMO_HOME)" "$(BIN)/cryptoelt" setup
	@"$(BIN)/cryptoelt" demo

test: lint type unit ## Run all checks and all tests: lint, type, unit, integration, e2e and a few kills.
	$(MAKE) --no-print-directory machine
	$(DRAWN) $(PARALLEL) tests/integration tests/e2e tests/crash

lint: environment ## Check style and formatting.
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .

type: environment ## Check types.
	"$(BIN)/mypy"

unit: environment ## Run the tests without network, JVM or database.
	$(DRAWN) $(PARALLEL) tests/unit

integration: machine ## Run the tests with real HTTP, PostgreSQL and Spark.
	$(TESTING) "$(BIN)/python" -m pytest $(PARALLEL) tests/integration

e2e: machine ## Run the tests of whole commands.
	$(TESTING) "$(BIN)/python" -m pytest $(PARALLEL) tests/e2e

crash: machine ## Kill runs at random moments and see that nothing is lost (KILLS=60, SEED=number).
	$(TESTING) "$(BIN)/python" -m tests.crash.drill --kills $(KILLS) $(if $(SEED),--seed $(SEED))

full: machine ## Run a market of the real size, every fault x every endpoint, and new draws (minutes; SEED=number).
	@seed=$(or $(SEED),$$(date +%s)); echo "SEED=$$seed" && TESTS_SEED=$$seed $(TESTING) \
		"$(BIN)/python" -m pytest tests -m "full or drawn or hypothesis" --hypothesis-seed=$$seed

bench: machine ## Measure speed and memory, and print tables (QUICK=1: without a year of history).
	$(TESTING) "$(BIN)/python" -m benchmarks $(if $(QUICK),--quick)

fmt: environment ## Format the code and mend what can be mended by a program.
	"$(BIN)/ruff" check --fix .
	"$(BIN)/ruff" format .

lock: ## Pin every package with its hashes anew (UPGRADE=1 takes the newest versions); needs uv.
	$(COMPILE) requirements-build.in -o requirements-build.txt
	$(COMPILE) pyproject.toml -c requirements-build.txt -o requirements.txt
	$(COMPILE) pyproject.toml --extra dev -c requirements-build.txt -c requirements.txt -o requirements-dev.txt

clean: ## Remove the environment, the demo and what tools left; never the home's data.
	@if [ -d .demo/.postgres ] && [ -x "$(BIN)/cryptoelt" ]; then "$(BIN)/python" scripts/forget_demo.py .demo; fi
	rm -rf "$(VENV)" .demo .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

environment:
	@scripts/environment.sh test

# What tests share with every home: jars, class-data archive. The home itself is only a place to try the server.
machine: environment
	@mkdir -p .demo
	@$(TESTING) CRYPTOELT_HOME="$(CURDIR)/.demo" "$(BIN)/cryptoelt" setup
