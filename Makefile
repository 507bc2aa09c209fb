# `make` alone lists what there is. Everything runs from .venv, which is made on first use with the locked versions.
#
# PYTHON=python3.12          the interpreter that .venv is made with
# INSTALL_FLAGS="..."        more options for `pip install`, e.g. an index of your own
# LAB_FLAGS="--no-browser"   more options for `jupyter lab`
# APP_FLAGS="--no-browser"   more options for `voila`

PYTHON ?= python3
INSTALL_FLAGS ?=
LAB_FLAGS ?=
APP_FLAGS ?=

BIN := .venv/bin
STAMP := .venv/.installed
UNFINISHED := .venv/.installing

# A process more than cores, as tests wait for a page or another process for a sixth of their time, with one thread each:
# threads of several processes would only wait for each other. Files go in their order, notebooks first, and not those
# of most tests first: a notebook or a page is one test and takes long.
COUNT := import os; print(min(8, 1 + os.cpu_count()))
WORKERS = -n $$($(BIN)/python -c "$(COUNT)") --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help setup demo test lab app bench check html chromium clean

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-6s  %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## Make .venv and install the locked versions (the other targets do this by themselves)

# The marker becomes the stamp only when everything is in; one left behind tells of an interrupted installation.
$(STAMP): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null || { echo "esclab needs Python 3.11 or newer, but there is no '$(PYTHON)'; install it, or name another: make PYTHON=python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "esclab needs Python 3.11 or newer, but '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1); name another: make PYTHON=python3.11" >&2; exit 1; }
	@if [ -e $(UNFINISHED) ]; then echo "The last installation was interrupted; starting afresh."; rm -rf .venv; fi
	@mkdir -p .venv && touch $(UNFINISHED)
	@echo "Installing esclab into .venv (a few minutes, once)."
	@"$(PYTHON)" -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile $(INSTALL_FLAGS) -c constraints.txt -e '.[dev]'
	@mv $(UNFINISHED) $(STAMP)

demo: $(STAMP) ## Train CNN10 and TS-CNN10 on the embedded dataset, compare and picture them: out/demo/
	$(BIN)/esclab demo --out out/demo

test: $(STAMP) chromium ## Run the tests, every notebook included, on a small synthetic dataset
	OMP_NUM_THREADS=1 ESCLAB_DATASET=synth10:50 ESCLAB_ITERATIONS=3 \
	$(BIN)/pytest $(WORKERS) --nbmake --nbmake-timeout=600 notebooks tests

# Browser tests need Chromium; where it is missing it is installed, if this machine allows that.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing Chromium for the browser tests." \
	&& apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium >/dev/null; } \
	|| echo "Chromium is missing and cannot be installed here: the explorers are NOT tested in a browser." >&2

lab: $(STAMP) ## Open the notebooks in JupyterLab on this machine only
	JUPYTER_CONFIG_PATH="$(CURDIR)/esclab/widgets$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" \
	$(BIN)/jupyter lab --ip=127.0.0.1 --ServerApp.root_dir=notebooks $(LAB_FLAGS)

app: $(STAMP) ## Serve the noise lab alone as a page, on this machine only, with a token
	JUPYTER_PATH="$(CURDIR)/esclab/widgets$${JUPYTER_PATH:+:$$JUPYTER_PATH}" $(BIN)/voila notebooks/noise_lab.ipynb --template=loopback \
	--Voila.ip=127.0.0.1 --Voila.auto_token=True $(APP_FLAGS)

bench: $(STAMP) chromium ## Measure features, noise, attribution, training and the lab's latency on this machine
	$(BIN)/python -m benchmarks

check: $(STAMP) ## Lint, format, types, import layers, tests with coverage (what a change must pass)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest tests
	$(BIN)/coverage report --show-missing --skip-covered

html: $(STAMP) ## Execute the notebooks on the full dataset and write them as pages: out/html/
	PLOTLY_RENDERER=plotly_mimetype+notebook $(BIN)/python -c "import sys, pathlib; from esclab.cli.demo import execute_notebook; \
	[print(execute_notebook(pathlib.Path(name), pathlib.Path('out/html'))) for name in sys.argv[1:]]" notebooks/*.ipynb

clean: ## Remove out/ and caches (.venv, data/ and runs/ stay)
	rm -rf out build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
	find esclab tests benchmarks notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -type d -prune -exec rm -rf {} +
