# Two commands matter: `make demo` and `make test`. Both make their own environment in .venv.
#
#   make demo ARGS="--seconds 10"   a real conference, watched from getStats to the page
#   make test                       everything that must hold: style, types, layers, tests
#   make dev                        the same environment with the checkout instead of the wheel
#   make lock                       pin the requirements anew (hashes, no host names)
#   make bench                      every benchmark, as ratios

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: demo test check dev lock bench clean wheel system

demo: .venv/wheel
	@$(BIN)/callstats demo $(ARGS)

test: system .venv/wheel check
	CALLSTATS_WHEEL="$$(ls dist/callstats-*.whl)" $(BIN)/python -m pytest $(ARGS)

check: .venv/requirements
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

dev: .venv/requirements
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@rm -f .venv/wheel

bench: .venv/wheel
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

lock: .venv/requirements
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --python-version 3.11 --extra dev \
	  --output-file requirements/dev.txt pyproject.toml

clean:
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

system:
	@scripts/system-packages chromium

.venv/python:
	@$(PYTHON) scripts/check_python.py
	@echo "making the environment in .venv (once; some minutes on a slow line)"
	@$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/requirements: requirements/dev.txt .venv/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --requirement requirements/dev.txt
	@touch $@

# The wheel is what users get, so it is what the demo shows and the tests test.
.venv/wheel: .venv/requirements pyproject.toml $(shell find src hatch_build.py -type f -not -name '*.pyc' 2>/dev/null)
	@rm -rf dist
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps \
	  --wheel-dir dist .
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --force-reinstall dist/callstats-*.whl
	@touch $@
