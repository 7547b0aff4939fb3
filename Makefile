# The front door: `make demo` and `make test` need Python 3.11+ and make, nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# The first Python on the path that is new enough; say `make PYTHON=/path/to/python3.12 demo` to choose.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { command -v $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= out/demo

# Without compiled modules on disk each worker, and each command that a test starts, would compile the house again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: evidence rendered slow help demo test lint bench montecarlo sizes papers gallery fuzz browser postgis docs clean python

help: ## list what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "spatial needs Python 3.11 or newer, and none was found on the path."; \
		command -v python3 >/dev/null 2>&1 && echo "Found: $$(python3 --version)."; \
		echo "Install one (Debian: apt install python3 python3-venv; macOS: brew install python; or python.org),"; \
		echo "or say where it is: make PYTHON=/path/to/python3.12 demo"; \
		exit 1; \
	fi

$(BIN)/python: | python
	@echo "making $(VENV) with $(PYTHON)"
	@"$(PYTHON)" -m venv $(VENV) || { \
		echo "Could not make a virtual environment (Debian: apt install python3-venv)."; rm -rf $(VENV); exit 1; }

# One stamp an extra, renewed when the dependencies change.
$(VENV)/installed-%: pyproject.toml | $(BIN)/python
	@echo "installing spatial-cities [$*] into $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable "$(if $(filter core,$*),.,.[$*])"
	@touch $@

demo: $(VENV)/installed-core ## the main job on the shipped data, into out/demo
	@$(BIN)/spatial demo --out $(OUT)

test: $(VENV)/installed-test ## the whole suite
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist worksteal

slow: $(VENV)/installed-test ## what `make test` leaves out for its length
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist worksteal -m slow

lint: $(VENV)/installed-test $(VENV)/installed-lint ## ruff, the floors of the house, mypy --strict
	@$(BIN)/ruff check . shapefiles/build/*.py
	@$(BIN)/ruff format --check . shapefiles/build/*.py
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/mypy

bench: $(VENV)/installed-test ## this project beside its peers, in one run
	@$(BIN)/python benchmarks/run.py

audit: $(VENV)/installed-audit ## this project and its rivals on odd inputs, into docs/audit.md
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m audit docs/audit.md

montecarlo: $(VENV)/installed-test ## the full simulation suite
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto -m montecarlo

sizes: $(VENV)/installed-test ## every printed p-value and interval by simulation, into docs/simulation.md
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/sizes/write_sizes.py

fuzz: $(VENV)/installed-test ## odd arguments to every public function, one by one and in pairs
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto -m fuzz tests/fuzz

evidence: $(VENV)/installed-test ## what each function was checked against, from the tests that check it
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q --evidence -m evidence ./tests

papers: $(VENV)/installed-test ## the studies that ship, compared with their truth
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -m papers tests/study/test_study_papers.py

gallery: $(VENV)/installed-test ## every figure of the contact sheet, looked at by pixels
	@$(BIN)/python -m pytest -q -m gallery tests/figures

browser: $(VENV)/installed-test ## the report's script by itself (needs node), then in headless Chromium (needs chromium)
	@! command -v node >/dev/null || node --test tests/report/js
	@$(BIN)/python -m pytest -q -m browser

rendered: $(VENV)/installed-test ## tables set by LaTeX and LibreOffice, layers drawn by QGIS (needs them)
	@$(BIN)/python -m pytest -q -m rendered tests/tables tests/gis

postgis: $(VENV)/installed-test $(VENV)/installed-postgis ## a real PostgreSQL with PostGIS (needs both installed)
	@$(BIN)/python -m pytest -q -m postgis

dist: $(VENV)/installed-release ## sdist, wheel and bill of materials, the same bytes each time, into dist/
	@.ci/dist $(BIN)/python

docs: $(VENV)/installed-docs $(VENV)/installed-test ## the pages in English and Chinese, into docs/_build
	@$(BIN)/python docs/make/pictures.py zh
	@$(BIN)/python docs/make/notebooks.py
	@$(BIN)/python -m sphinx -q -W -b html docs docs/_build
	@$(BIN)/python -m sphinx -q -W -b html -c docs -D language=zh_CN docs/zh docs/_build/zh
	@$(BIN)/python docs/make/llms.py
	@$(BIN)/python docs/make/links.py

clean: ## remove the environment and what was built
	rm -rf $(VENV) out build docs/_build docs/_generated docs/_pages docs/_notebooks docs/zh/_notebooks docs/zh/images docs/zh/gallery.md *.egg-info
