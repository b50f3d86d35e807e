# Two commands matter: `make demo` (see it run) and `make test` (prove it works). Both set themselves up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check bench docs clean setup

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say make PYTHON=/path/to/python3.11"; exit 3; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,postgresql]'
	@touch $@

demo: $(READY)
	@$(BIN)/python -m engine demo

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/engine check
	$(BIN)/engine test
	$(BIN)/engine check --home examples/millennium --env demo
	$(BIN)/engine test --home examples/millennium --env demo
	$(BIN)/engine docs --check

test: check
	$(BIN)/pytest -n 2

bench: $(READY)
	$(BIN)/python -m benchmarks

docs: $(READY)
	$(BIN)/engine docs --write

clean:
	rm -rf $(VENV) .demo .engine build dist
