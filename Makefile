# Two commands matter: `make demo` and `make test`. Both set everything up first.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

CYCLONEDX := 7.5.0
TORCH := torch==2.13.0+cpu
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

.PHONY: setup setup-model demo demo-learning test test-editors editors vscode wheel site check check-bare release bench lock lock-model clean

setup: .venv/.installed

# The lock file pins every package by hash; the project itself is installed on top, editable and without a resolver.
.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "plum-lsp needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 setup" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --retries 8 --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The heavy half: vLLM's CPU build, TRL and PEFT, 3 GB. The `+cpu` version is on no index that also has CUDA builds, so
# none can be taken by mistake. pip's own configuration is asked first: an index that cannot be reached costs minutes.
setup-model: .venv/.installed-model

.venv/.installed-model: requirements-model.lock .venv/.installed
	$(BIN)/python -m pip install --quiet --no-deps --retries 8 '$(TORCH)' 2>/dev/null || \
	  $(BIN)/python -m pip install --quiet --no-deps --retries 8 --extra-index-url $(TORCH_INDEX) '$(TORCH)'
	$(BIN)/python -m pip install --quiet --no-deps --retries 8 --require-hashes -r requirements-model.lock
	$(BIN)/python -c 'import torch; assert torch.version.cuda is None, "a CUDA build of torch is installed"'
	@touch $@

# A real run of the default model on a real file: candidates, tests, verdicts, the offer, and what was logged.
DEMO_FILE := examples/durations.py
demo: setup
	$(BIN)/plum-lsp model fetch qwen2.5-coder-0.5b-instruct
	$(BIN)/plum-lsp complete $(DEMO_FILE) --line $$(( $$(wc -l < $(DEMO_FILE)) + 1 )) --all --candidates 8 --deadline-ms 300000
	$(BIN)/plum-lsp explain

# The whole loop on SmolLM2-135M without a GPU: sample, run, fit, gate, publish, sample again. About twenty minutes.
demo-learning: setup-model
	$(BIN)/plum-lsp model fetch smollm2-135m-instruct
	$(BIN)/python -m benchmarks.learning_demo --seed $(or $(SEED),0)

# The documentation as a site, in build/site. A broken link is an error.
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs
site: setup
	$(MKDOCS) build --strict

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MKDOCS) build --strict
	$(BIN)/pytest -m "not slow and not model" -n auto --maxprocesses 4 --dist worksteal

# `make check` as on a fresh machine: an empty home and cache, no network, no package beyond requirements.lock.
check-bare: setup
	cd tests && ../$(BIN)/python -m support.bare_machine $(MAKE) --no-print-directory -C .. check

# Two vLLM at once need 8 GB and all cores for minutes: `pytest -s tests/e2e/serving/test_replicas.py -k vllm` runs them.
TWO_VLLM := tests/e2e/serving/test_replicas.py::test_publish_while_a_replica_is_killed[vllm-20]

test: check-bare setup-model test-editors
	$(BIN)/plum-lsp model fetch smollm2-135m-instruct
	$(BIN)/plum-lsp model fetch qwen2.5-coder-0.5b-instruct
	$(BIN)/pytest --ignore=tests/editors -m "slow or model or vllm" --deselect '$(TWO_VLLM)' -n 2 --dist loadgroup --no-loadscope-reorder

# The editor clients, in real editors: Neovim in a terminal, VS Code in a browser. Editors lie in the cache folder.
test-editors: setup editors
	cd editor-clients/vscode && npm run --silent check && npm test --silent
	$(BIN)/pytest tests/editors -n 2 --dist loadgroup

editors: setup vscode
	cd tests && ../$(BIN)/python -m support.editor_parts

# The extension for VS Code, as a package to install.
vscode: editor-clients/vscode/plum-lsp.vsix

# The package to publish, with both editor clients in it. Python alone is enough for one without the VS Code extension:
# `pip wheel --no-deps .`
wheel: setup vscode
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

VSCODE := editor-clients/vscode
VSCODE_SOURCES := $(wildcard $(VSCODE)/src/*.ts $(VSCODE)/media/* $(VSCODE)/pictures/* $(VSCODE)/*.md)
VSCODE_SOURCES += $(VSCODE)/package.json $(VSCODE)/.vscodeignore
editor-clients/vscode/plum-lsp.vsix: editor-clients/vscode/node_modules/.installed $(VSCODE_SOURCES)
	cd editor-clients/vscode && npm run --silent package

editor-clients/vscode/node_modules/.installed: editor-clients/vscode/package-lock.json
	@command -v npm >/dev/null || { echo "the VS Code client needs Node.js 20 or newer, with npm" >&2; exit 1; }
	cd editor-clients/vscode && for try in 1 2 3 4; do npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && break; \
	  test $$try -lt 4 && sleep $$((try * 3)) || exit 1; done
	@touch $@

# What a release consists of, in dist/: the wheel, the sdist, the extension, and the list of all packages (CycloneDX).
# `make release REPOSITORY_URL=https://…` lets the links of the README lead there from a package index.
export REPOSITORY_URL
SBOM := build/sbom/bin
release: check vscode
	rm -rf dist
	$(BIN)/python -m hatchling build
	cp $(VSCODE)/plum-lsp.vsix dist/
	test -x $(SBOM)/python || $(PYTHON) -m venv build/sbom
	$(SBOM)/python -m pip install --quiet --retries 8 'cyclonedx-bom==$(CYCLONEDX)'
	$(SBOM)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o dist/sbom.json
	cd dist && sha256sum * > SHA256SUMS

bench: setup
	$(BIN)/plum-lsp model fetch qwen2.5-coder-0.5b-instruct
	$(BIN)/python -m benchmarks.suggestion

# Renews the pins (needs uv): `make lock && make setup`.
lock:
	uv pip compile --universal --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --python-version 3.11 --extra local --extra dev --output-file requirements.lock pyproject.toml requirements-build.in

lock-model:
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-package torch \
	  --python-version 3.11 --python-platform x86_64-manylinux_2_28 --constraints requirements.lock \
	  --overrides requirements-model.overrides --output-file requirements-model.lock requirements-model.in

clean:
	rm -rf editor-clients/vscode/{node_modules,dist,dist-test,plum-lsp.vsix} artifacts
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
