# What there is to do here; `make help` lists it. Everything that changes the host says so first (scripts/setup).
SHELL := /bin/bash
PREFIX ?= /usr/local
LINKS ?=
DESTDIR ?=
BUILD := build
SWIFT := swift
SECONDS_EACH ?= 30

.PHONY: help setup build run test unit end-to-end install dist bench nightly fuzz lint peers vm vm-cluster docs clean

help:
	@echo 'make run        set up this machine, build, make an image of a Debian root and run programs in it'
	@echo 'make test       set up this machine, build, and run all tests'
	@echo 'make build      build/bin/apus and what belongs to it'
	@echo 'make install    copy the build to $$DESTDIR$$PREFIX (default /usr/local); LINKS="apptainer singularity" adds them'
	@echo 'make dist       build/dist/apus-VERSION-linux-ARCH.tar.gz, which runs on any Linux, whatever its glibc'
	@echo 'make bench      measure, beside the peers that are installed; tables and plots in bench/results'
	@echo 'make nightly    all of it at length: tests, an hour of fuzzing, the benches with a large image'
	@echo 'make fuzz       run the fuzz targets, SECONDS_EACH seconds each'
	@echo 'make lint       swift format and shellcheck'
	@echo 'make peers      a Debian sid root with apptainer, charliecloud, squashfuse and crun in build/peers'
	@echo 'make vm         smoke tests on other kernels, in emulated machines'
	@echo 'make vm-cluster  Slurm beside systemd, with control groups of version 2, in an emulated machine'
	@echo 'make docs       regenerate the pages made from the command declarations'

setup:
	@scripts/setup build

build: setup
	@scripts/build $(BUILD)

run:
	@scripts/run-demo

test:
	@scripts/test

unit: setup
	$(SWIFT) test --skip EndToEnd

end-to-end: build
	@scripts/test EndToEnd

install:
	@LINKS="$(LINKS)" scripts/install "$(DESTDIR)" "$(PREFIX)" $(BUILD)

dist: build
	@scripts/dist $(BUILD)

# What takes an hour: a large image, many random layers, an hour of fuzzing.
nightly: build
	@scripts/setup test bench
	@APUS_NIGHTLY=1 scripts/test
	@scripts/vm-cluster
	@FUZZ_SECONDS=720 scripts/fuzz
	@BENCH_LARGE=1 bench/run

bench: build
	@scripts/setup bench
	@bench/run

fuzz:
	@scripts/setup build test
	@FUZZ_SECONDS=$(SECONDS_EACH) scripts/fuzz

lint:
	@scripts/lint

vm: build
	@scripts/vm

vm-cluster: build
	@scripts/vm-cluster

peers:
	@scripts/peers

docs: build
	$(BUILD)/bin/apus man --markdown > docs/user/commands.md

clean:
	rm -rf .build $(BUILD)
