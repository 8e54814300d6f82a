# Each target sets up what it needs by itself; `make` alone lists them.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
CONSTRAINTS := .ci/constraints.txt
# Other lines of ipykernel, beside the newest in the environment: their rules about threads and loops differ.
OTHER_IPYKERNELS := 6.31.0 7.3.0

# How many processes run the tests on two cores. Tests without a browser wait a quarter of their time, mostly for kernels
# to start. They run in the order of their names: with the largest files first, a few long tests would be left at the end.
UNIT_WORKERS := 3
TEST_WORKERS := 2

.DEFAULT_GOAL := help
.PHONY: help demo lab serve test check js format bench soak gallery docs clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(VENV)/.installed ## run the four models on bundled pictures; on a terminal, offer JupyterLab afterwards
	$(BIN)/python -m runflow_widgets demo -o demo-output
	@if [ -t 0 ] && [ -t 1 ]; then \
		printf 'Open the first notebook in JupyterLab now? [y/N] '; read answer; \
		case "$$answer" in [yY]*) $(MAKE) lab ;; esac; \
	fi

lab: $(VENV)/.lab ## open JupyterLab on the first notebook
	$(BIN)/python -m jupyterlab --ServerApp.ip=127.0.0.1 notebooks/01_first_run.ipynb

serve: $(VENV)/.tested ## serve the embedded models on port 8787
	$(BIN)/python -m runflow_widgets serve

test: check ## run every check there is
	@chromium=$$(tests/tools/find-programs) || exit 1; \
	$(BIN)/python -m pytest -q --ignore tests/browser -n $(UNIT_WORKERS) --dist loadfile --no-loadscope-reorder --durations=10 && \
	RUNFLOW_TEST_CHROMIUM="$$chromium" $(BIN)/python -m pytest -q tests/browser -n $(TEST_WORKERS) --dist loadfile --durations=10

check: $(VENV)/.tested js ## formatting, lint, types, layers, JavaScript; no test of behaviour
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

js: tests/js/node_modules/.made ## types, lint and tests of the browser side
	cd tests/js && npm run -s types && npm run -s lint && npm run -s test

format: $(VENV)/.tested tests/js/node_modules/.made ## format everything
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd tests/js && npm run -s format

bench: $(VENV)/.bench ## measure, side by side with others where there are any; bench-output/table.md has it all
	@chromium=$$(tests/tools/find-programs) || exit 1; export RUNFLOW_TEST_CHROMIUM="$$chromium"; \
	for bench in tests/benchmarks/bench_*.py; do echo; $(BIN)/python $$bench; done; \
	$(BIN)/python tests/benchmarks/figures.py

soak: $(VENV)/.tested ## the long versions of the tests of faults and of hostile input; tens of minutes
	@failed=0; for soak in tests/soak/soak_*.py "tests/soak/fuzz.py all 60"; do echo; echo $$soak; $(BIN)/python $$soak || failed=1; done; exit $$failed

gallery: $(VENV)/.installed ## contact sheets of what the models do; PICTURES=folder takes yours
	$(BIN)/python tests/tools/gallery.py $(if $(PICTURES),--pictures $(PICTURES)) -o gallery

docs: $(VENV)/.tested ## write the reference of all public names into docs-output
	$(BIN)/python -m pdoc --docformat google --no-show-source -o docs-output runflow_widgets '!runflow_widgets\.' \
		runflow_widgets.callbacks runflow_widgets.errors runflow_widgets.samples

clean: ## remove what the other targets made
	rm -rf $(VENV) .cache dist build demo-output bench-output docs-output gallery tests/js/node_modules
	find . -name __pycache__ -prune -exec rm -rf {} +

# Debian splits venv from Python; virtualenv, unpacked beside us, does the same job.
$(VENV)/.venv-made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed."; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { \
		rm -rf $(VENV); \
		$(PYTHON) -m pip install -q --target .cache/virtualenv virtualenv && \
		PYTHONPATH=.cache/virtualenv $(PYTHON) -m virtualenv -q $(VENV); }
	@$(PIP) install -c $(CONSTRAINTS) pip
	@touch $@

$(VENV)/.installed: $(VENV)/.venv-made pyproject.toml $(CONSTRAINTS)
	$(PIP) install -c $(CONSTRAINTS) -e .
	@touch $@

$(VENV)/.lab: $(VENV)/.installed
	$(PIP) install -c $(CONSTRAINTS) -e '.[lab]'
	@touch $@

$(VENV)/.tested: $(VENV)/.venv-made pyproject.toml $(CONSTRAINTS)
	$(PIP) install -c $(CONSTRAINTS) -e '.[serve,lab,keyring,dask]' --group test
	@for line in $(OTHER_IPYKERNELS); do \
		$(PIP) install --no-deps --upgrade --target $(VENV)/ipykernel-$$line ipykernel==$$line nest-asyncio==1.6.0 || exit 1; \
	done
	@touch $@ $(VENV)/.installed $(VENV)/.lab

# What the form library needs is installed already; a second ipywidgets would be a stranger to the page.
$(VENV)/.bench: $(VENV)/.tested Makefile
	$(PIP) install --upgrade --target $(VENV)/bench fal-client replicate gradio_client huggingface_hub
	$(PIP) install --upgrade --no-deps --target $(VENV)/bench ipywidgets-jsonschema pypatchmatch
	@touch $@

tests/js/node_modules/.made: tests/js/package.json
	@command -v npm >/dev/null || { echo "The checks of the browser side need Node.js 20 or newer with npm."; exit 1; }
	cd tests/js && npm install --silent --no-package-lock
	@touch $@
