# Does joint cross-attention fuse face and voice better than vanilla cross-attention?
.DEFAULT_GOAL := help
.PHONY: help setup report test lab doctor bench lint lock clean

PRESET ?= quick
BIN := .venv/bin
PYTHON ?= $(shell for p in python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null && echo $$p && break; done)

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' Makefile | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: .venv/ready  ## set up .venv from requirements.lock (6 GB)

.venv/ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or 3.12 found: install one, or name it: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

report: .venv/ready  ## build the corpus, train, and write the report (PRESET=smoke|quick|full)
	@$(BIN)/jcalib report --preset $(PRESET)

test: .venv/ready  ## lint, types and all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

lab: .venv/ready  ## open JupyterLab on the notebooks (loopback, token on)
	$(BIN)/jupyter lab --ip=127.0.0.1 --notebook-dir=notebooks

doctor: .venv/ready  ## say what is missing and how to mend it
	@$(BIN)/jcalib doctor

bench: .venv/ready  ## measure training steps, statistics and the stages of a report (ONLY=loop,seeds)
	$(BIN)/python bench/bench.py $(if $(ONLY),--only $(ONLY))

lint: .venv/ready  ## format, and mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:  ## pin the versions anew (needs uv)
	uv pip compile pyproject.toml --extra test --universal --fork-strategy fewest --python-version 3.11 \
		--no-annotate --no-header --quiet --output-file requirements.lock

clean:  ## remove what was made: corpora, features, runs, reports, .venv
	rm -rf .venv data .pytest_cache .mypy_cache .ruff_cache .hypothesis jcalib.egg-info
	find reports -mindepth 1 -maxdepth 1 ! -name README.md ! -name published -exec rm -rf {} +
