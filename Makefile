# make test    the whole test suite            make bench   measure, draw, and say where the plots are
# make check   lint, types, imports                make clean   remove the environment and what was built
# make docs    write docs/file-formats.md from the documents' types
# make mutants  plant faults in the code that checks gradients, and see whether the tests find them
#
# Each creates .venv and installs the pinned dependencies first, unless nothing changed since the last time.

PYTHON ?= python3
BENCH ?=
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: install test bench check docs format mutants clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Samegrad needs Python 3.11 or newer, found " + sys.version.split()[0] + "; try: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev]'
	@touch $@

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench: $(INSTALLED)
	$(BIN)/python -m pytest --benchmark-only $(BENCH)
	$(BIN)/samegrad report

check: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(INSTALLED)
	$(BIN)/python docs/file_formats.py

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

mutants: $(INSTALLED)
	$(BIN)/mutmut run

clean:
	rm -rf .venv build mutants *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
