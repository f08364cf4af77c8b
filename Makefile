# Everything a developer or CI does. `make demo` and `make test` set up what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-slow peers check lint types contract docs bench setup browser clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

browser:
	@scripts/browser

demo: $(STAMP)
	@$(BIN)/roadworthy demo $(DEMO)

test: $(STAMP) browser
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

test-slow: $(STAMP) browser
	$(BIN)/pytest -m slow $(ARGS)

# Clients that exclude our versions of what we share, in a virtual environment of their own; needs the network.
peers: $(STAMP)
	@test -x .peers/bin/python || $(PYTHON) -m venv .peers
	@.peers/bin/python -m pip install --quiet --disable-pip-version-check 'kserve==0.21.0'
	ROADWORTHY_PEERS=.peers $(BIN)/pytest tests/peers $(ARGS)

check: lint types contract docs

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

contract: $(STAMP)
	$(BIN)/lint-imports

docs: $(STAMP)
	$(BIN)/python scripts/reference.py --check

bench: $(STAMP)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .peers build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
