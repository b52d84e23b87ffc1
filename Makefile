# Strand: building, testing, trying.
#
#   make build   the release binary, target/release/strand
#   make check   formatting, lints and all tests that need no root
#   make test    installs what is missing, then check and all live tests (root), on this
#                kernel and in virtual machines with 6.1, 6.12 and 7.2
#   make vm KERNEL=6.1   the live tests in a virtual machine with that kernel of Debian's;
#                        CMD='…' for another command there
#   make demo    the write-back demonstration on a real ext4 (root; DURATION=30 for longer)
#   make bench   benchmarks, as ratios
#   make static  the runtime of `strand build --static`, beside the release binary
#   make install PREFIX=/usr/local
#
# CARGO_TARGET_DIR is honoured.

CARGO ?= cargo
PREFIX ?= /usr/local
DURATION ?=
KERNEL ?= 6.12
CMD ?=
TARGET := $(or $(CARGO_TARGET_DIR),target)
LAB := --profile lab --locked

STATIC := $(shell uname -m)-unknown-linux-gnu

.PHONY: build static check lint test vm demo bench help install setup setup-build clean

build: setup-build
	$(CARGO) build --release --locked

# Needs the static libraries of libc's package for developers.
static: setup-build
	RUSTFLAGS='-C target-feature=+crt-static' $(CARGO) build --release --locked \
		--bin strand-native --target $(STATIC)
	install -m 755 $(TARGET)/$(STATIC)/release/strand-native \
		$(TARGET)/release/strand-native-static

setup:
	@tests/setup

setup-build:
	@tests/setup build

check: lint
	STRAND_NO_LIVE=1 $(CARGO) test --workspace $(LAB)

test: lint
	$(CARGO) test --workspace $(LAB)
	@tests/vm/lab

lint: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets $(LAB) -- -D warnings

vm: setup
	$(CARGO) build $(LAB)
	@if [ -z '$(CMD)' ]; then tests/vm/lab $(KERNEL); else \
		PATH='$(abspath $(TARGET))/lab':$$PATH tests/vm/run -k $(KERNEL) '$(CMD)'; fi

# A minute and a half from a new clone: where there is no release build, it is shown with one that
# is made in half the time.
demo: setup-build
	@if [ -x '$(TARGET)/release/strand' ]; then examples/demo $(DURATION); else \
		$(CARGO) build --profile quick --locked --bin strand && \
		STRAND='$(abspath $(TARGET))/quick/strand' examples/demo $(DURATION); fi

bench: build
	@tests/bench
	@tests/events/run
	@tests/events/stream

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed '/^$$/,$$!d' | head -n 18

install: build
	install -D -m 755 $(TARGET)/release/strand $(DESTDIR)$(PREFIX)/bin/strand
	install -D -m 755 $(TARGET)/release/strand-native \
		$(DESTDIR)$(PREFIX)/libexec/strand/strand-native
	if [ -e $(TARGET)/release/strand-native-static ]; then \
		install -m 755 $(TARGET)/release/strand-native-static \
			$(DESTDIR)$(PREFIX)/libexec/strand/; fi
	$(TARGET)/release/strand man >$(TARGET)/strand.1
	install -D -m 644 $(TARGET)/strand.1 $(DESTDIR)$(PREFIX)/share/man/man1/strand.1

clean:
	$(CARGO) clean
