# 督联 Dulian: every command a developer needs. `make` or `make help` lists them.
# Only Python >= 3.11, make and git are needed beforehand; the rest goes into .venv from the lock files.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
SEED ?= 1
# Where `make proto` writes; tests/static regenerates into a folder of its own.
PROTO_OUT ?= .
PROTOS = $(shell find proto/node -name '*.proto' 2>/dev/null | sort)
SERVICES = $(shell find proto/node/wire -name '*.proto' -exec grep -l '^service ' {} + 2>/dev/null | sort)
PYTEST = $(PY) -m pytest $(PYTEST_ARGS)
# Tests of real processes wait more than they compute; each file stays with one worker, and so do its nodes.
WORKERS ?= 2

.PHONY: help
help: ## 列出全部命令 / this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --------------------------------------------------------------------------------------------------- environment

.PHONY: venv
venv: $(VENV)/.project ## 建立 .venv，按锁定文件安装依赖 / the virtual environment

# The first Python that is new enough and can make a virtual environment; PYTHON=… overrides the search.
$(VENV)/.dependencies: requirements/dev.txt
	@for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14 python; do \
	  if $$candidate -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    found=$$candidate; break; \
	  fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "错误：未找到可用的 Python 3.11 或更高版本（含 venv 与 ensurepip 模块）。" >&2; \
	  echo "      请安装 Python 3.11 以上版本（Debian/Ubuntu 另需 python3-venv），或用 make PYTHON=/路径/python3 指定。" >&2; \
	  echo "error: no usable Python >= 3.11 with venv and ensurepip on PATH; install one (Debian/Ubuntu: also" >&2; \
	  echo "       python3-venv) or name it with make PYTHON=/path/to/python3." >&2; \
	  exit 1; \
	fi; \
	if ! $(PY) -c 'import pip' >/dev/null 2>&1; then $$found -m venv --clear $(VENV); fi
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# A plain path entry (editable_mode=compat): new modules and packages of node/ are seen without a new installation.
$(VENV)/.project: $(VENV)/.dependencies pyproject.toml
	$(PY) -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation \
	  --config-settings editable_mode=compat --editable .
	@touch $@

.PHONY: lock
lock: ## 重新锁定依赖（需联网） / pin the dependencies anew (needs the network)
	rm -rf build/lock && python3 -m venv build/lock && build/lock/bin/pip install --quiet uv
	build/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml -o requirements/run.txt
	build/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  --constraint requirements/run.txt --group dev pyproject.toml -o requirements/dev.txt
	echo pip | build/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header - -o requirements/dist.txt

.PHONY: pictures
pictures: venv browser ## 重拍 README 里的截图 / the README's pictures, anew from a running demo
	$(PY) -m tests.browser.pictures

.PHONY: assets
assets: venv ## 取得控制台的样式和脚本（需 npm 和联网） / the console's vendored files (needs npm and the network)
	$(PY) deploy/assets.py

.PHONY: proto
proto: venv ## 由 proto/ 生成 Python 代码 / generate the protobuf code
	@for folder in $(sort $(patsubst proto/%,%,$(dir $(PROTOS)))); do \
	  mkdir -p $(PROTO_OUT)/$$folder && touch $(PROTO_OUT)/$${folder}__init__.py; \
	done
	$(PY) -m grpc_tools.protoc -I proto --python_out=$(PROTO_OUT) --pyi_out=$(PROTO_OUT) $(PROTOS)
	$(if $(SERVICES),$(PY) -m grpc_tools.protoc -I proto --grpc_python_out=$(PROTO_OUT) $(SERVICES))

# --------------------------------------------------------------------------------------------------------- tests

.PHONY: lint
lint: venv ## 代码检查：ruff、mypy、分层 / linters, types, layers
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

.PHONY: format
format: venv ## 自动排版 / format the code
	$(PY) -m ruff format node tests deploy
	$(PY) -m ruff check --fix-only .

.PHONY: test
test: venv browser ## 全部测试 / the whole suite
	$(PYTEST) -n $(WORKERS) --dist loadscope tests

.PHONY: test-static test-unit test-postgres test-sim test-process test-dist test-web test-browser
test-static: venv ## 静态检查 / linters, types, layers, generated code
	$(PYTEST) tests/static
test-unit: venv ## 单元、性质、字节向量、契约 / unit, property, vectors, contract
	$(PYTEST) $(wildcard tests/unit tests/property tests/vectors tests/contract)
test-postgres: venv ## PostgreSQL（自带服务器） / with a real PostgreSQL server
	$(PYTEST) tests/postgres
test-web: venv ## 控制台的页面 / the console's pages, without a browser
	$(PYTEST) tests/web
test-browser: venv browser ## 控制台，真实浏览器 / the console in a real browser
	$(PYTEST) tests/browser
test-sim: venv ## 整棵树的模拟 / the simulated tree
	$(PYTEST) tests/sim
test-process: venv ## 真实进程 / real processes
	$(PYTEST) tests/process tests/chaos
test-dist: venv ## 离线安装包 / the offline archive
	$(PYTEST) tests/dist

.PHONY: browser
browser:
	@sh deploy/chromium.sh

.PHONY: sim
sim: venv ## 重放一次模拟：make sim SEED=123 / replay one simulation
	$(PY) -m tests.sim --seed $(SEED)

.PHONY: sim-long
sim-long: venv ## 长时间模拟：可中断、可续跑，每版至多一万个种子 / up to ten thousand seeds, resumable
	$(PY) -m tests.sim.long $(SIM_ARGS)

.PHONY: fuzz
fuzz: venv ## 模糊测试：所有解码器，可续跑 / foreign bytes for every decoder, goes on where it stopped
	$(PY) -m tests.fuzz $(FUZZ_ARGS)

.PHONY: chaos
chaos: venv ## 真实进程：累计 1000 次 kill -9 与各类故障，可续跑 / 1,000 kills of real nodes, goes on where it stopped
	$(PY) -m tests.chaos $(CHAOS_ARGS)

.PHONY: bench
bench: venv ## 性能测量 / measure
	$(PY) -m tests.bench

.PHONY: scale
scale: venv ## 全国规模的模拟（可续跑，数小时） / the whole country, simulated (resumable, hours)
	$(PY) -m tests.scale

# ----------------------------------------------------------------------------------------------------------- use

.PHONY: demo
demo: venv ## 演示：省、市、县六个节点 / six real nodes on this machine
	$(PY) deploy/demo/run.py

.PHONY: dist
dist: venv ## 离线安装包 / the offline installation archive
	$(PY) deploy/dist.py

.PHONY: clean
clean: ## 删除生成物与 .venv / remove what was made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
