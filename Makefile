# Everything from nothing: each target first makes the environment that it needs, once, in $(VENV).
# Another Python: make check PYTHON=python3.12 VENV=.venv312

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=

ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PY := "$(BIN)/python"
# Every folder is named from the root of the checkout, so that the path to it may hold spaces.
PIP := $(PY) -m pip --disable-pip-version-check --no-input install --quiet

VENV_STAMP := $(VENV)/.made
PLOT_STAMP := $(VENV)/.installed-plot
DEV_STAMP := $(VENV)/.installed-dev

export LATENTDO_CACHE := $(CURDIR)/.cache

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo check format lint types layers test sample slow docs serve-docs studies page bench clean distclean

help:  ## what each target does
	@echo 'make TARGET [PYTHON=python3.12] [VENV=.venv312]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

demo: $(PLOT_STAMP)  ## the main job: prove, train once, ask, and see whether the rows fit
	@$(PY) examples/front_door.py

# Each step says its name, and the first that fails says what to do.
define step
	@printf '\n==> %s\n' '$(1)'
	@$(2) || { printf '\nmake check stopped at: %s\n  %s\n' '$(1)' '$(3)' >&2; exit 1; }
endef

check: $(DEV_STAMP)  ## format, lint, types, layers, tests, docs, and a sample of the long tests
	$(call step,format,$(PY) -m ruff format --check .,Repair: make format)
	$(call step,lint,$(PY) -m ruff check .,Repair what you can with: make format)
	$(call step,types,$(PY) -m pyright --pythonpath $(PY),Again: make types)
	$(call step,layers,"$(BIN)/lint-imports" --no-logo --no-cache,The rooms and their order are in CONTRIBUTING.md. Again: make layers)
	$(call step,tests,$(PY) -m pytest -n 2 $(PYTEST_ARGS),One test alone: $(BIN)/python -m pytest tests/FILE.py -k NAME)
	$(call step,docs,$(PY) -m zensical build --strict --config-file docs/zensical.toml,Again: make docs)
	$(call step,a sample of the long tests,$(PY) -m pytest -n 2 -m sample $(PYTEST_ARGS),Again: make sample)

format: $(DEV_STAMP)  ## write the code in the house format, and repair what the linter can
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

lint: $(DEV_STAMP)
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .

types: $(DEV_STAMP)
	@$(PY) -m pyright --pythonpath $(PY)

layers: $(DEV_STAMP)
	@"$(BIN)/lint-imports" --no-logo --no-cache

test: $(DEV_STAMP)  ## the tests of every day
	@$(PY) -m pytest -n 2 $(PYTEST_ARGS)

sample: $(DEV_STAMP)  ## a sample of the long tests
	@$(PY) -m pytest -n 2 -m sample $(PYTEST_ARGS)

slow: $(DEV_STAMP)  ## the long statistical checks
	@$(PY) -m pytest -n 2 -m slow $(PYTEST_ARGS)

docs: $(DEV_STAMP)  ## the documentation, as pages in docs/site
	@$(PY) -m zensical build --strict --config-file docs/zensical.toml
	@$(PY) docs/page.py
	@echo 'Open docs/site/index.html'

serve-docs: $(DEV_STAMP)  ## the documentation, rebuilt as you write
	@$(PY) -m zensical serve --config-file docs/zensical.toml

studies: $(DEV_STAMP)  ## a look at the six case studies, in minutes; all of one: python -m studies reproduce NAME
	@$(PY) -m studies reproduce all --quick

page:  ## the web page, built from page/ into the package; needs Node.js 20 and npm
	@command -v npm >/dev/null || { echo 'The page is built with npm, which is not here; the built files are in the repository.' >&2; exit 1; }
	@cd page && npm ci --silent --ignore-scripts --no-audit --no-fund && npx tsc --noEmit && node build.mjs

bench: $(DEV_STAMP)  ## the timings, one file after another
	@set -e; for file in bench/*.py; do \
	  test -e "$$file" || { echo 'There is no benchmark in bench/ yet.'; exit 0; }; \
	  printf '\n==> %s\n' "$$file"; PYTHONPATH=. $(PY) "$$file"; done

clean:  ## remove what was built, measured or cached; the environment stays
	rm -rf .cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache docs/.cache docs/site demo build dist
	rm -rf page/node_modules
	find src tests examples bench studies -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## clean, and remove the environment
	rm -rf "$(VENV)"

# Some systems ship Python without ensurepip: there pip, if it is installed, puts itself in.
$(VENV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "latentdo needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1 || echo not there)." >&2; \
	  echo 'Name another one: make $(or $(MAKECMDGOALS),check) PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -m venv "$(VENV)" >/dev/null 2>&1 || { \
	  $(PYTHON) -m venv --clear --without-pip "$(VENV)" && $(PYTHON) -m pip --python $(PY) install --quiet pip; } || { \
	  echo 'No virtual environment could be made. On Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	@touch "$@"

# A change of pyproject.toml may bring other dependencies or another command; the source itself is used in place.
$(PLOT_STAMP): pyproject.toml | $(VENV_STAMP)
	@echo 'Installing latentdo and what it needs into $(VENV), once (about a minute) …'
	@$(PIP) --editable '.[plot]' || { echo 'The installation failed; it needs the network once.' >&2; exit 1; }
	@touch "$@"

$(DEV_STAMP): pyproject.toml | $(VENV_STAMP)
	@echo 'Installing latentdo and the tools of its checks into $(VENV), once (one to three minutes) …'
	@$(PIP) --editable '.[all,dev]' || { echo 'The installation failed; it needs the network once.' >&2; exit 1; }
	@touch "$(PLOT_STAMP)" "$@"
