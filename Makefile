# Two commands: `make demo` does the main job, `make test` passes the tests. Both set everything up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock
CONFIG ?= reenact/examples/demo.toml
DEMO_LOG := sqlite://runs/demo.db

.PHONY: demo run test check compile pure bench docs clean

$(VENV)/.run: pyproject.toml requirements.lock
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -c 'import sys; sys.exit("Reenact needs Python 3.11 or newer; name one with PYTHON=...") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "Adding the test tools ..."
	@$(PIP) -e ".[dev]"
	@touch $@

demo: $(VENV)/.run  ## a seeded market, a session with risk on, its report, its proof, and why one order happened
	@mkdir -p runs
	$(BIN)/reenact run reenact/examples/demo.toml --log $(DEMO_LOG)
	$(BIN)/reenact report --log $(DEMO_LOG) -o runs/demo.html
	$(BIN)/reenact verify --log $(DEMO_LOG)
	$(BIN)/reenact why last --log $(DEMO_LOG)

run: $(VENV)/.run  ## CONFIG=my.toml
	$(BIN)/reenact run $(CONFIG)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

compile: $(VENV)/.dev  ## the hot path as extension modules beside its source; needs a C compiler. PROFILE=1: laid out by sessions that are played first (GCC)
	$(BIN)/python compile.py $(if $(PROFILE),--profile)

pure: $(VENV)/.dev  ## back to plain Python
	$(BIN)/python compile.py --clean

bench: PROFILE = 1
bench: compile  ## PEERS=folder with the peers' environments, see benchmarks/README.md
	$(BIN)/python -m benchmarks.run $(if $(PEERS),--peers $(PEERS))

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

clean: pure
	rm -rf $(VENV) runs dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
