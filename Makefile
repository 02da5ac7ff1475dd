# Everything runs in .venv, which the first target creates; the second time it is a no-op.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
Q ?= Knock out HSPA5 in K562: what happens to DDIT3 and HERPUD1, and why?
export HF_HUB_OFFLINE = 1

.PHONY: ask test check bench data-test live setup clean

setup: $(STAMP)

# torch first: with a local CPU wheel at hand, pip takes it instead of the CUDA build.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "knockwise needs Python 3.11; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (a few minutes the first time) ..." >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)

ask: setup
	@$(BIN)/knockwise ask "$(Q)"

test: setup
	@$(BIN)/pytest -m "not data and not live and not browser"

data-test: setup
	@$(BIN)/pytest -m data

# Against a real vLLM on the CPU, in .venv-vllm, which the first run installs (3.5 GB).
live: setup
	@KNOCKWISE_LIVE=1 $(BIN)/pytest -m live

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup
	@$(BIN)/python -m evals.bench

clean:
	rm -rf $(VENV) .venv-vllm
