# Everything runs in .venv, which the first target creates; the second time it is a no-op.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV := $(VENV)/.dev-installed
# What is imported is compiled then: compiling all of it takes a minute and half a gigabyte.
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile
Q ?= Knock out HSPA5 in K562: what happens to DDIT3 and HERPUD1, and why?
# How many processes run the tests.
JOBS ?= 2
# Tests that need no network, mirror, browser or server.
HERE := not data and not live and not browser
export HF_HUB_OFFLINE = 1

.PHONY: ask web test test-slow check bench data-test live setup dev lock docs image mcpb clean

setup: $(STAMP)

# Everything in the lock is checked by its hash. torch is not in it: its wheel differs by machine (a
# local CPU wheel, or the CUDA build with NVIDIA's libraries), so it is pinned by version alone.
$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "knockwise needs Python 3.11, 3.12 or 3.13; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (a few minutes the first time) ..." >&2
	@$(PIP) --require-hashes --no-deps --requirement requirements.lock
	@$(PIP) torch==2.13.0
	@$(PIP) --no-deps --editable .
	@touch $(STAMP)

dev: $(DEV)

$(DEV): $(STAMP) requirements-dev.lock
	@$(PIP) --require-hashes --no-deps --requirement requirements-dev.lock
	@touch $(DEV)

# Choose the newest allowed release of everything, and note the hashes.
lock: $(STAMP)
	@$(PIP) uv
	@echo "torch==2.13.0; sys_platform == 'none'" > $(VENV)/without-torch
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --upgrade \
	  --override $(VENV)/without-torch pyproject.toml --extra all --output-file requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --upgrade \
	  --override $(VENV)/without-torch pyproject.toml --extra all --extra dev \
	  --constraints requirements.lock --output-file requirements-dev.lock

ask: setup
	@$(BIN)/knockwise ask "$(Q)"

# The page, from the built-in pathways or the data folder.
web: setup
	@$(BIN)/knockwise web

test: dev
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist worksteal -m "$(HERE) and not slow"

# What kills processes, plays hundreds of faults or trains: `.ci/run` runs it beside `test`.
test-slow: dev
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist worksteal -m "$(HERE) and slow"

data-test: dev
	@$(BIN)/pytest -m data

# Against a real vLLM on the CPU, in .venv-vllm, which the first run installs (3.5 GB).
live: dev
	@KNOCKWISE_LIVE=1 $(BIN)/pytest -m live

check: dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: dev
	@$(BIN)/python -m evals.bench $(if $(PEERS),--peers $(PEERS)) $(if $(DATA),--data $(DATA))

# The documentation as a site in site/, which loads nothing from elsewhere.
docs: dev
	@$(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

# A bundle for desktop chat clients, which starts this installation.
mcpb: setup
	@$(BIN)/knockwise mcp --bundle knockwise.mcpb

image:
	@docker build --tag knockwise .

clean:
	rm -rf $(VENV) .venv-vllm
