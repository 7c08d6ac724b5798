# `make demo` and `make test` set everything up from nothing: a virtual environment in .venv with the
# versions that requirements.lock pins. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO := out/demo
TORCH := 2.13.0

.PHONY: help demo test lint types format bench lock clean

help:  ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

demo: $(INSTALLED)  ## Write a made log, follow it live for some seconds, score it, show the notices
	@$(BIN)/zeekml simulate --out $(DEMO)/conn.log --connections 50000 --seed 7
	@echo "Scoring it once unseen: the first run compiles for this processor, within a minute or two."
	@$(BIN)/zeekml score $(DEMO)/conn.log --out $(DEMO) --quiet
	@echo
	@$(BIN)/python examples/live.py $(DEMO)/conn.log $(DEMO)/live
	@echo
	@$(BIN)/zeekml score $(DEMO)/conn.log --out $(DEMO)
	@echo
	@grep -v '^#' $(DEMO)/notice.log | cut -f 11,12 | expand -t 28 | sed -n 1,20p
	@echo
	@echo "notices: $(DEMO)/notice.log"

test: $(INSTALLED)  ## Run the tests
	@$(BIN)/python -m pytest

lint: $(INSTALLED)  ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(INSTALLED)  ## Check types strictly
	@$(BIN)/mypy

format: $(INSTALLED)  ## Put the code into the house format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(INSTALLED)  ## Measure speed and memory, write docs/performance.md
	@$(BIN)/python benchmarks/bench.py --document docs/performance.md $(if $(CAPTURES),--captures $(CAPTURES))

# torch is chosen by hand, and its CUDA packages are left to it: its CPU build has none of them.
lock: $(INSTALLED)  ## Pin the newest versions that fit pyproject.toml
	@$(BIN)/pip-compile --quiet --upgrade --upgrade-package 'torch==$(TORCH)' --extra evaluate --extra dev \
	  --strip-extras --no-annotate --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --output-file requirements.lock pyproject.toml
	@sed -i -E '/^(#|$$|nvidia-|cuda-|triton==)/d; s/^(torch==[0-9.]+)\+.*/\1/; 1i # Made by `make lock`: the versions that the tests run with.' requirements.lock

clean:  ## Remove what was built and the caches, not .venv
	@rm -rf build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(INSTALLED): requirements.lock pyproject.toml
	@$(SHELL) .ci/venv.sh "$(PYTHON)" $(VENV)
	@touch $@
