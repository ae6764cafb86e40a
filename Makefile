# make demo: molecules and pictures from the shipped weights, each with a report.  make test: everything CI runs.
# Both do their own set-up in .venv and work offline once it is done.

PYTHON ?= python3
PYTEST_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin

METADATA := pyproject.toml constraints.txt $(sort $(wildcard plugins/*/pyproject.toml))
PLUGINS := $(patsubst %/pyproject.toml,%,$(filter plugins/%,$(METADATA)))
# A plugin's optional libraries are its extra `all`, where it has one.
WITH_ALL := $(patsubst %/pyproject.toml,%,$(shell grep -l '^all = ' plugins/*/pyproject.toml))
EDITABLE := $(foreach plugin,$(PLUGINS),-e './$(plugin)$(if $(filter $(plugin),$(WITH_ALL)),[all])')
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# opencv-python needs libGL, which servers often lack; its build without windows does the same work here.
# It is installed over nothing: both builds have the same files.
OPENCV = $(BIN)/python -c 'import cv2' 2>/dev/null || { \
  version=$$($(BIN)/python -c 'import importlib.metadata as m; print(m.version("opencv-python"))') && \
  echo "opencv-python $$version does not load on this machine: installing opencv-python-headless instead" && \
  $(BIN)/python -m pip uninstall --quiet --yes opencv-python && \
  $(INSTALL) --no-deps --force-reinstall "opencv-python-headless==$$version" && \
  $(BIN)/python -c 'import cv2'; }

STYLES := ["style/starry-night", "style/cafe-terrace", "style/great-wave", "style/poppies", "style/moulin", \
  "style/composition-viii"]

# Two pytest workers on two cores: more threads than that only get in each other's way.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

.PHONY: help demo test fast lint format clean
help:
	@echo "make demo    a thousand new molecules, photos in six styles, and their reports, in demo/"
	@echo "make test    every test;  make fast: all but the slow ones;  PYTEST_ARGS='-k name' narrows both"
	@echo "make lint    ruff, mypy, import rules;  make format: let ruff mend what it can"
	@echo "make clean   remove .venv, caches and demo/"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "genai needs Python 3.11 or newer; \"$(PYTHON)\" is $$($(PYTHON) -V 2>&1)."; \
	    echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.user: $(METADATA) | $(BIN)/python
	@echo "Installing genai and its plugins into $(VENV) (a few minutes the first time)"
	@$(INSTALL) -e '.[provenance]' $(EDITABLE)
	@$(OPENCV)
	@touch $@

$(VENV)/.dev: $(METADATA) | $(BIN)/python
	@echo "Installing genai, its plugins and the test tools into $(VENV) (a few minutes the first time)"
	@$(INSTALL) -e '.[dev]' $(EDITABLE)
	@$(OPENCV)
	@touch $(VENV)/.user $@

demo: $(VENV)/.user
	$(BIN)/genai list
	@rm -rf demo/molecules demo/style
	$(BIN)/genai run style/stylise --content '["data/chelsea.jpg", "data/coffee.jpg"]' --model '$(STYLES)' \
	  --seed 1 -o demo/style
	$(BIN)/genai run molecules/design -n 1000 --seed 1 -o demo/molecules
	$(BIN)/genai verify demo/molecules
	@echo "Open demo/molecules/report.html and demo/style/report.html in a browser."

test: $(VENV)/.dev
	$(PYTEST) $(PYTEST_ARGS)

fast: $(VENV)/.dev
	$(PYTEST) -m "not slow" $(PYTEST_ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
