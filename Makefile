# Everything runs in .venv, made with only Python, pip and make on the machine.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench soak record lock test-floors clean

help: ## say what there is to make
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.venv/.pip:
	@echo "Making an environment in .venv; the first time this downloads packages for some minutes."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

.venv/.demo: .venv/.pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group demo
	@touch $@

.venv/.dev: .venv/.pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group test --group lint
	@touch $@ .venv/.demo

demo: .venv/.demo ## watch the three services stream, call tools and answer (no key needed)
	@$(BIN)/python examples/demo.py

test: .venv/.dev ## run all tests
	$(BIN)/python -m pytest $(ARGS)

check: .venv/.dev ## lint, format check and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/audit.py

format: .venv/.dev ## let ruff fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: ## measure beside the frameworks alone and their other integrations
	@$(PYTHON) -m benchmarks.environments
	@.venv-bench/bin/python -m benchmarks.run $(ARGS)

soak: .venv/.dev ## some minutes of load with random faults (ARGS="--seconds 60 --workers 2000")
	$(BIN)/python benchmarks/soak.py $(ARGS)

record: .venv/.dev ## write the tapes anew, from the emulator; RECORD=live: from the real services
	PYTHONPATH=tests $(BIN)/python -m contract.record $(ARGS)

.venv/.uv: .venv/.dev
	$(BIN)/python -m pip install --quiet uv
	@touch $@

lock: .venv/.uv ## resolve the development versions anew
	$(BIN)/uv pip compile --quiet pyproject.toml --universal --python-version 3.10 --upgrade \
	  --extra all --group demo --group test --group lint --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links -o requirements/dev.lock

test-floors: .venv/.uv ## test with the lowest versions that we claim
	$(BIN)/python scripts/floors.py $(ARGS)

clean: ## remove the environment and caches
	rm -rf .venv .venv-* build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
	find . -name __pycache__ -prune -exec rm -rf {} +
