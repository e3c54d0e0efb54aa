import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coverage
import environ
import pytest
import responses
from django.db import connections

from config.databases import POSTGRES_OPTIONS
from tests import fence, servers
from tests.processes import Product
from tests.schedule import KeepTogether

# Tests that talk real HTTP, all of it within this machine.
OPEN = ("real_http", "browser", "end_to_end")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="what Django's test database runs on",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> KeepTogether:
    return KeepTogether(config, log)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what thousands of tests consist of: it stays."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def http() -> Iterator[responses.RequestsMock]:
    """Answer requests from a list; one that is not there, or not asked for, fails."""
    with responses.RequestsMock(assert_all_requests_are_fired=True) as fake:
        yield fake
        # The product takes a refused call for a server that is down, and goes on.
        assert fence.refused(fake) == []


def talks_real_http(request: pytest.FixtureRequest) -> bool:
    return any(request.node.get_closest_marker(name) for name in OPEN)


@pytest.fixture(autouse=True)
def closed_fence(request: pytest.FixtureRequest) -> None:
    if not talks_real_http(request):
        request.getfixturevalue("http")


@pytest.fixture(autouse=True)
def uncounted(request: pytest.FixtureRequest) -> Iterator[None]:
    """Count no lines where that would slow down what a test waits for and times."""
    counting = coverage.Coverage.current()
    is_uncounted = request.node.get_closest_marker("uncounted")
    if counting is None or not (is_uncounted or talks_real_http(request)):
        yield
    else:
        counting.stop()
        yield
        counting.start()


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    with fence.loopback_only():
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The surroundings' PostgreSQL server, else one of our own."""
    given = environ.Env().str("DATABASE_URL", default="")
    if given.startswith("postgres"):
        yield given
    else:
        with servers.postgres() as url:
            yield url


@pytest.fixture(scope="session")
def migrated(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str
) -> Iterator[str]:
    """A migrated database on PostgreSQL, to be copied: that takes no seconds.

    It has an administrator, for those who configure bots by their forms.
    """
    with servers.postgres_database(postgres_url) as url:
        product = Product(folder=tmp_path_factory.mktemp("migrated"), database_url=url)
        product.prepare()
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The surroundings' Redis server, else one of our own."""
    if given := environ.Env().str("REDIS_URL", default=""):
        yield given
    else:
        with servers.redis() as url:
            yield url


@pytest.fixture
def product(
    tmp_path: Path, postgres_url: str, migrated: str, redis_url: str
) -> Iterator[Product]:
    """The product, migrated, on PostgreSQL and Redis; the test starts its processes."""
    with servers.postgres_database(postgres_url, template=migrated) as database_url:
        product = Product(
            folder=tmp_path, database_url=database_url, redis_url=redis_url
        )
        yield product
        product.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("database") == "postgres":
        url = request.getfixturevalue("postgres_url")
        database = connections.settings["default"]
        database |= environ.Env.db_url_config(url) | {"OPTIONS": POSTGRES_OPTIONS}
        database["TEST"]["NAME"] = f"handoff_test_{os.getpid()}"
        connections["default"].close()
        del connections["default"]
