from config.env import LineFiles, env


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
