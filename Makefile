# The interpreter that .venv is made with; everything else is pinned by constraints.txt.
PYTHON ?= python3

INSTALLED := .venv/.installed

.PHONY: help setup demo test lint clean

help:
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## builds .venv with all that the demo and the tests need

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --constraint constraints.txt --editable '.[demo,dev]'
	touch $@

demo: setup ## compresses a bundled model on bundled data; minutes
	.venv/bin/tinybert demo

test: setup ## runs the tests, with style, types and import rules among them
	.venv/bin/pytest --numprocesses logical --maxprocesses 8 --dist worksteal

lint: setup ## the checks of style, types and import rules alone
	.venv/bin/pytest tests/test_code_quality.py tests/test_import_rules.py

clean: ## removes .venv and what building and testing left behind
	rm -rf .venv build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
