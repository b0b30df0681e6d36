# The targets are described by `make help`. Each creates .venv and installs the pinned dependencies first, unless nothing
# changed since the last time.

PYTHON ?= python3
BENCH ?=
TEST ?=
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help install test test-fast numpy-only bench check docs docs-check format mutants clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/\1\t\2/p' Makefile | expand -t 12

install: $(INSTALLED)  ## create .venv and install Samegrad, every framework and the developers' tools

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Samegrad needs Python 3.11 or newer, found " + sys.version.split()[0] + "; try: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev]'
	@touch $@

test: $(INSTALLED)  ## run the whole test suite, two tests at a time; TEST="--durations=20" adds options
	$(BIN)/python -m pytest -n 2 --dist loadfile $(TEST)

test-fast: $(INSTALLED)  ## run the tests that are not marked slow
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not slow'

numpy-only:  ## run the whole test suite in an environment without any framework
	test -x build/numpy-only/bin/python || $(PYTHON) -m venv build/numpy-only
	build/numpy-only/bin/python -m pip install --quiet --constraint constraints.txt --editable . hypothesis pytest-xdist
	build/numpy-only/bin/python -m pytest -n 2 --dist loadfile $(TEST)

bench: $(INSTALLED)  ## measure, draw, and print where the plots are; BENCH="--batches 4,64" adds options
	$(BIN)/python -m pytest --benchmark-only $(BENCH)
	$(BIN)/samegrad report

check: $(INSTALLED) docs-check  ## lint, check types, imports and links
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(INSTALLED)  ## write docs/file-formats.md from the documents' types, and the site into build/site
	$(BIN)/python docs/file_formats.py
	$(BIN)/mkdocs build --strict --quiet

docs-check: $(INSTALLED)
	$(BIN)/mkdocs build --strict --quiet

format: $(INSTALLED)  ## mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

mutants: $(INSTALLED)  ## plant faults in the code that checks gradients: do the tests find them?
	$(BIN)/mutmut run

clean:  ## remove .venv and everything that was built
	rm -rf .venv build mutants *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
