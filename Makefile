# Each target works in a fresh clone: Python 3.11 or newer and make are enough.

PYTHON ?= python3
bin := .venv/bin
install := $(bin)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r
# pip compiles on one core; without it the demo's processes each compile all.
compile := $(bin)/python -m compileall -q -j 0 .venv/lib
# Three at a time, since they wait a lot, and a file each: what it starts is started once.
# In their order, so that those which take minutes do not come last.
pytest := -m pytest -n 3 --dist loadfile --no-loadscope-reorder

both := $$(grep -rl both_databases --include='test_*.py' tests)

# Many processes start from the same sources: where it is switched off, each compiles all.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test lint bench chaos

demo: .venv/runtime ## Try it: everything on this machine. ARGS=--once plays a conversation over each chat system
	$(bin)/python -m handoff.management.demo $(ARGS)

# The first run covers the same lines, so the second one need not be slowed by counting.
# To collect all tests would take it longer than some of them.
# Of some tests perhaps none is for both databases (5), and together they cover little.
test: .venv/dev ## Every test, on SQLite and PostgreSQL, with Redis and a browser. ARGS="-k lanes" for some
	.ci/services
	$(bin)/coverage erase
	$(bin)/coverage run $(pytest) $(ARGS)
	$(bin)/python $(pytest) --database=postgres -m both_databases $(or $(ARGS),$(both)) $(if $(ARGS),|| test $$? -eq 5)
	$(bin)/coverage combine --quiet
	$(bin)/coverage report $(if $(ARGS),--fail-under=0)

lint: export DJANGO_SETTINGS_MODULE = tests.settings
lint: .venv/dev ## Style, types, migrations, settings, API schema, known vulnerabilities
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/python manage.py makemigrations --check --dry-run
	$(bin)/python manage.py check --fail-level WARNING
	$(bin)/python manage.py spectacular --validate --fail-on-warn --file /dev/null
	$(bin)/python .ci/audit.py

bench: .venv/runtime ## How fast it is, beside what one would write without it. ARGS=--quick for a short look
	.ci/services
	$(bin)/python -m bench $(ARGS)

chaos: .venv/dev ## Everything breaks at once: is a message lost, doubled or out of order? ARGS=--quick, see --help
	.ci/services
	$(bin)/python -m tests.chaos $(ARGS)

.venv/runtime: requirements.txt
	$(PYTHON) -m venv .venv
	$(install) $<
	$(compile)
	touch $@

.venv/dev: requirements-dev.txt .venv/runtime
	$(install) $<
	$(compile)
	touch $@
