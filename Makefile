# What anyone can run, and what CI runs. Everything needs a Rust toolchain and a C compiler (Rust links with it, and
# the TLS library is partly C); `make` says so if one is missing.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
CARGO ?= cargo
PREFIX ?= /usr/local
SECONDS ?= 60
WORLDS ?= 5000
FUZZ_TARGETS := $(notdir $(basename $(wildcard fuzz/targets/*.rs)))

.PHONY: help build test lint fmt doc policies places demo exposure worlds roles bench fuzz clean install install-systemd toolchain

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: toolchain ## build the program, ready for use, into target/release
	$(CARGO) build --locked --release

test: toolchain lint ## all that CI runs: form, lints, tests, documentation, shipped policies
	if $(CARGO) nextest --version >/dev/null 2>&1; \
	then $(CARGO) nextest run --locked --lib --bins --tests; \
	else $(CARGO) test --locked --lib --bins --tests; fi
	$(CARGO) test --locked --doc
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items
	$(MAKE) --no-print-directory policies

lint: toolchain ## form and lints, warnings are errors
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

fmt: toolchain ## put the code into form
	$(CARGO) fmt

doc: toolchain ## build the documentation of the code and say where it is
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items
	@echo "target/doc/evictd/index.html"

policies: toolchain ## check the shipped policies and run their cases
	$(CARGO) run --locked --quiet -- policy check policies
	$(CARGO) run --locked --quiet -- policy test policies

PLACES := target/places
PACKAGES := asn asn-country geo-whois-asn-country

places: ## fetch and build the place databases that ship anew; needs npm and python3 (10 minutes)
	@command -v npm >/dev/null || { echo "no npm: it fetches the packages" >&2; exit 1; }
	mkdir -p $(PLACES)
	python3 -m venv $(PLACES)/venv
	$(PLACES)/venv/bin/pip install --quiet mmdb_writer==0.2.7 netaddr==1.3.0 maxminddb==3.2.0
	for name in $(PACKAGES); do \
	  rm -rf $(PLACES)/$$name; mkdir $(PLACES)/$$name; \
	  archive=$$(cd $(PLACES) && npm pack --silent @ip-location-db/$$name); \
	  tar -xzf $(PLACES)/$$archive -C $(PLACES)/$$name --strip-components=1; \
	done
	$(PLACES)/venv/bin/python data/places/build.py $(PLACES) data/places

demo: toolchain ## run the main job against the built-in simulator: dry run, enforcement, verified trail, a stolen cookie
	$(CARGO) build --locked --bin evictd
	$(CARGO) run --locked --quiet -- demo

exposure: toolchain ## simulate a day of 800 agents in both scopes: how long a bad session lives, what looking costs (4 minutes)
	EXPOSURE_HOURS=24 $(CARGO) test --locked --quiet --test it -- --nocapture daemon::exposure

worlds: toolchain ## try the belts on WORLDS (5000) random worlds, 15 in a second, and say what was in them
	BELTS_WORLDS=$(WORLDS) $(CARGO) test --locked --quiet --test it -- --nocapture belts::random

roles: toolchain ## as root: try each command as a Unix user of each role, and print a table; takes its users away again
	$(CARGO) build --locked --bin evictd
	EVICTD=target/debug/evictd tests/roles.sh

bench: toolchain ## measure judging beside a floor written by hand, look-ups, logs, and a cycle beside a bare fetch (4 minutes)
	$(CARGO) bench --locked --bench judging
	$(CARGO) bench --locked --bench lookups
	$(CARGO) bench --locked --bench logs
	$(CARGO) bench --locked --bench cycle

fuzz: toolchain ## look for bytes that a reader does not survive, SECONDS (60) for each; needs cargo-fuzz and a C++ compiler
	@command -v cargo-fuzz >/dev/null || { echo "no cargo-fuzz: cargo install cargo-fuzz --locked" >&2; exit 1; }
	@command -v c++ >/dev/null || { echo "no C++ compiler: apt-get install g++, or dnf install gcc-c++" >&2; exit 1; }
	for target in $(FUZZ_TARGETS); do \
	  mkdir -p "fuzz/target/corpus/$$target" "fuzz/target/found/$$target"; \
	  words="fuzz/dictionaries/$$target.dict"; \
	  $(CARGO) fuzz run --sanitizer none "$$target" "fuzz/target/corpus/$$target" "fuzz/seeds/$$target" -- \
	    -max_total_time=$(SECONDS) -max_len=16384 -timeout=10 -rss_limit_mb=1024 \
	    -artifact_prefix="fuzz/target/found/$$target/" $$([ ! -e "$$words" ] || echo "-dict=$$words"); \
	done

clean: ## remove what was built
	$(CARGO) clean
	rm -rf fuzz/target

install: build ## put the program below PREFIX (/usr/local)
	install -D -m 0755 target/release/evictd "$(DESTDIR)$(PREFIX)/bin/evictd"

install-systemd: ## put the unit below PREFIX; without DESTDIR, make its user and folders too
	install -d "$(DESTDIR)$(PREFIX)/lib/systemd/system"
	sed 's#/usr/local/bin/#$(PREFIX)/bin/#' systemd/evictd.service >"$(DESTDIR)$(PREFIX)/lib/systemd/system/evictd.service"
	chmod 0644 "$(DESTDIR)$(PREFIX)/lib/systemd/system/evictd.service"
	install -D -m 0644 systemd/evictd.sysusers.conf "$(DESTDIR)$(PREFIX)/lib/sysusers.d/evictd.conf"
	install -D -m 0644 systemd/evictd.tmpfiles.conf "$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/evictd.conf"
	if [ -z "$(DESTDIR)" ]; \
	then systemd-sysusers evictd.conf; systemd-tmpfiles --create evictd.conf; systemctl daemon-reload; fi

toolchain:
	@command -v $(CARGO) >/dev/null || { echo "no cargo: install Rust from https://rustup.rs" >&2; exit 1; }
	@command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null || { \
	  echo "no C compiler: apt-get install build-essential, dnf install gcc, or xcode-select --install" >&2; exit 1; }
