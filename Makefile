# Tonfilm in one word: make run, make test, make demo; also make setup, check, bench and chaos.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_TO_TEST := $(VENV)/.ready-to-test
PIP := $(BIN)/python -m pip install --disable-pip-version-check

# Measured: the wheels of requirements.txt on Linux, CUDA's libraries for graphics cards included.
DOWNLOAD := 3.1 GB
UNPACKED := 6.5 GB

# The environment finds the rooms wherever a command is started.
FIND_ROOMS = pwd > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tonfilm.pth"

# librosa compiles for this processor when it is first imported, and two processes that did so at
# once would mix up each other's machine code in numba's cache: they crashed from then on.
COMPILE = $(BIN)/python -c 'import librosa.core.audio, librosa.core.pitch, librosa.util.utils'

# While torch's threads wait they sleep; see film/process.py.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: setup run test test-slow chaos check demo bench

setup: $(READY)

run: $(READY)
	@$(BIN)/python scripts/serve.py

test: $(READY_TO_TEST)
	$(BIN)/python -m pytest --timeout 600 -m "not slow"

# Kills what makes films at random, again and again; see tests/test_chaos.py.
KILLS ?= 100
chaos: $(READY_TO_TEST)
	TONFILM_KILLS=$(KILLS) $(BIN)/python -m pytest --timeout 3600 tests/test_chaos.py -k wanted

test-slow: $(READY_TO_TEST)
	$(BIN)/python -m pytest --timeout 600 -m slow

check: $(READY_TO_TEST)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

demo: $(READY)
	$(BIN)/python scripts/demo.py

bench: $(READY)
	$(BIN)/python -m bench

$(READY): requirements.txt | $(BIN)/python
	@echo "Setting up Tonfilm in $(VENV): this downloads about $(DOWNLOAD) and fills $(UNPACKED) on the disk,"
	@echo "most of it PyTorch. It is needed once and takes one to twenty minutes, by your line."
	$(PIP) -r requirements.txt
	@$(FIND_ROOMS)
	@$(COMPILE)
	@touch $@

$(READY_TO_TEST): requirements.txt tests/requirements.txt | $(BIN)/python
	@echo "Setting up Tonfilm and its test tools in $(VENV): on a fresh machine this downloads about $(DOWNLOAD)."
	$(PIP) -r tests/requirements.txt
	@$(FIND_ROOMS)
	@$(COMPILE)
	@touch $(READY) $@

$(BIN)/python:
	@command -v $(PYTHON) > /dev/null || { \
	  echo "Tonfilm needs Python 3.11 or newer, and there is no $(PYTHON): install Python, for example with 'sudo apt install python3 python3-venv'." >&2; exit 1; }
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { \
	  echo "Tonfilm needs Python 3.11 or newer, and $(PYTHON) is older: name a newer one, for example 'make PYTHON=python3.12 $(firstword $(MAKECMDGOALS) run)'." >&2; exit 1; }
	@$(PYTHON) -c "import ensurepip, venv" 2> /dev/null || { \
	  echo "Python's venv module is missing: install it, for example with 'sudo apt install python3-venv'." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
