import socket
from contextlib import ExitStack
from dataclasses import astuple, replace
from pathlib import Path
from socket import create_server

import pytest

from handoff.management.demo.place import Place, kept_place, new_place
from handoff.management.demo.ports import CannotStart, Ports

PORTS = Ports(web=8101, sandbox=8102, bot=8103, second_bot=8104)
PAGES = ["http://127.0.0.1:8101/admin/one", "http://127.0.0.1:8101/admin/two"]


@pytest.fixture(autouse=True)
def no_database_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "demo"


@pytest.fixture
def place(folder: Path) -> Place:
    """A demo that was set up."""
    place = new_place(folder=folder, ports=PORTS)
    place.prepare()
    place.mark_set_up(bot_pages=PAGES)
    return place


def test_a_demo_that_was_set_up_is_found_again(place: Place, folder: Path):
    assert kept_place(folder) == place
    assert place.bot_pages == PAGES


def test_one_that_was_not_set_up_to_its_end_is_not(folder: Path):
    new_place(folder=folder, ports=PORTS).prepare()

    assert kept_place(folder) is None


def test_one_of_an_earlier_version_has_to_start_over(place: Place, folder: Path):
    kept = (folder / "env").read_text()
    (folder / "env").write_text(kept.replace(f",{place.agent_chat.url}", ""))

    with pytest.raises(CannotStart, match=r"earlier version's.*--fresh"):
        kept_place(folder)


@pytest.mark.real_http
def test_one_that_is_still_running_is_not_forgotten(place: Place, folder: Path):
    successor = replace(PORTS, web=0, sandbox=0, bot=0, second_bot=0).filled()

    with ExitStack() as running:
        for port in astuple(PORTS):
            running.enter_context(create_server(("127.0.0.1", port)))
        with pytest.raises(CannotStart, match="still running"):
            new_place(folder=folder, ports=successor)

    assert place.is_set_up


def test_doorbells_of_the_last_run_are_gone(place: Place, folder: Path):
    (folder / "broker" / "1_2.handoff.msg").touch()

    place.prepare()

    assert [path.name for path in (folder / "broker").iterdir()] == ["control"]


def test_its_keys_are_readable_by_the_owner_alone(place: Place, folder: Path):
    assert (folder / "env").stat().st_mode & 0o777 == 0o600


def test_a_new_one_forgets_the_old_one(place: Place, folder: Path):
    successor = new_place(folder=folder, ports=PORTS)

    assert not folder.exists()
    assert successor.keys != place.keys


def test_a_folder_with_other_files_is_left_alone(folder: Path):
    folder.mkdir()
    (folder / "thesis.txt").touch()

    with pytest.raises(CannotStart, match="holds other files"):
        new_place(folder=folder, ports=PORTS)

    assert (folder / "thesis.txt").exists()


def test_another_database_is_refused(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATABASE_URL", "postgres://127.0.0.1/other")

    with pytest.raises(CannotStart, match="another DATABASE_URL"):
        kept_place(folder)


def test_demos_on_one_database_read_what_the_others_sealed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATABASE_URL", "postgres://127.0.0.1/shared")
    demos = [new_place(folder=folder, ports=PORTS) for _ in range(2)]

    assert len({demo.keys["FIELD_ENCRYPTION_KEYS"] for demo in demos}) == 1
    assert len({demo.keys["SECRET_KEY"] for demo in demos}) == 2


@pytest.mark.real_http
def test_ports_that_are_not_given_are_free_ones():
    ports = Ports(web=0, sandbox=0, bot=8103, second_bot=0).filled()

    assert ports.bot == 8103
    assert len({ports.web, ports.sandbox, ports.second_bot, 0}) == 4
    create_server(("127.0.0.1", ports.web)).close()


def test_a_port_that_is_taken_costs_the_old_demo_nothing(place: Place, folder: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(CannotStart, match=f"Port {port}.*\n.*--folder"):
            new_place(folder=folder, ports=replace(PORTS, web=port))

    assert (folder / "env").exists()
