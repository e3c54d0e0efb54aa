import subprocess
import sys
import traceback

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from config.env import LineFiles, env
from tests.processes import ROOT, inherited

NAME = "A_SETTING_FOR_THIS_TEST"


def run(command: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Run manage.py where this much is set besides what it needs."""
    environment = inherited() | {
        "SECRET_KEY": "k3-" + "abcdefghij" * 6,
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        **changes,
    }
    return subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=ROOT,
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_secret_may_lie_in_a_file_that_ends_in_a_line_break(tmp_path):
    secret = tmp_path / "metrics_token"
    secret.write_text("from a file\n")

    environment = LineFiles({"METRICS_TOKEN_FILE": str(secret)})

    assert environment["METRICS_TOKEN"] == "from a file"


def test_a_file_comes_before_the_environment(tmp_path):
    secret = tmp_path / "metrics_token"
    secret.write_text("from a file")
    both = {"METRICS_TOKEN": "from outside", "METRICS_TOKEN_FILE": str(secret)}

    assert LineFiles(both)["METRICS_TOKEN"] == "from a file"


def test_the_settings_read_such_files(monkeypatch, tmp_path):
    secret = tmp_path / "value"
    secret.write_text("3\n")
    monkeypatch.setenv("A_NUMBER_FOR_THIS_TEST_FILE", str(secret))

    assert env.int("A_NUMBER_FOR_THIS_TEST") == 3


def test_a_file_that_is_not_there_is_named_by_its_setting():
    environment = LineFiles({"METRICS_TOKEN_FILE": "/nowhere/metrics_token"})

    with pytest.raises(ImproperlyConfigured, match=r"^METRICS_TOKEN_FILE must be"):
        environment["METRICS_TOKEN"]


@pytest.mark.parametrize(
    ("read", "value", "cure"),
    [
        (env.int, "s3cret", "a whole number"),
        (env.int, "", "a whole number"),
        (env.float, "s3cret", "a number, 0 or more"),
        (env.float, "15s", "a number, 0 or more"),
        (env.float, "-45", "a number, 0 or more"),
        (env.float, "nan", "a number, 0 or more"),
        (env.float, "1e400", "a number, 0 or more"),
        (env.bool, "s3cret", "true or false"),
        (env.log_level, "s3cret", "DEBUG, INFO, WARNING or ERROR"),
        (env.web_address, "s3cret.example.com", "an address like https://"),
        (env.web_address, "https://[s3cret", "an address like https://"),
        (env.redis_address, "amqp://:s3cret@localhost", "an address like redis://"),
        (env.redis_address, "redis://[s3cret", "an address like redis://"),
        (env.database, "", "an address like postgres://"),
        (env.database, "s3cret", "an address like postgres://"),
        (env.database, "mysql://a:s3cret@b/c", "an address like postgres://"),
        (env.database, "postgres://a:s3cret@b", "an address like postgres://"),
        (env.database, "postgres://a:s3cret/x@b:5432/c", "an address like postgres://"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_cure(
    monkeypatch, read, value, cure
):
    monkeypatch.setenv(NAME, value)

    with pytest.raises(ImproperlyConfigured) as refusal:
        read(NAME, default="sqlite:////a/file")

    assert str(refusal.value).startswith(f"{NAME} must be {cure}")
    assert "s3cret" not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize(
    ("read", "value", "meant"),
    [
        (env.int, "0", 0),
        (env.float, "1.5", 1.5),
        (env.bool, "True", True),
        (env.bool, "off", False),
        (env.log_level, "DEBUG", "DEBUG"),
        (env.web_address, "https://a.example.com/", "https://a.example.com"),
        (env.redis_address, "", ""),
        (env.redis_address, "rediss://:a@b:6380/0", "rediss://:a@b:6380/0"),
        (env.str, "$abc", "$abc"),
    ],
)
def test_what_can_be_used_is_read(monkeypatch, read, value, meant):
    monkeypatch.setenv(NAME, value)

    assert read(NAME, default=None) == meant


def test_a_database_is_read(monkeypatch):
    monkeypatch.setenv(NAME, "postgres://a:p%40%2F@b:5432/c")

    entry = env.database(NAME, default="sqlite:////a/file")

    assert (entry["HOST"], entry["PASSWORD"], entry["NAME"]) == ("b", "p@/", "c")


def test_the_command_line_tells_it_in_one_line():
    told = run("check", TRUSTED_PROXIES="one")

    assert told.returncode == 1
    assert told.stderr == "TRUSTED_PROXIES must be a whole number.\n"


def test_a_setting_that_is_missing_is_named():
    told = run("migrate", SECRET_KEY=None)

    assert told.returncode == 1
    assert told.stderr == "SECRET_KEY must be set: see .env.example.\n"
