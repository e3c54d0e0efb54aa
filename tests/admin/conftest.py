import pytest
from django.contrib.auth.models import Group, User

from handoff.models import Bot
from tests.admin.people import Admin, developer, make_bot


@pytest.fixture(autouse=True)
def one_factor(settings) -> None:
    settings.DEMO = True


@pytest.fixture
def group(db) -> Group:
    return Group.objects.create(name="Shop team")


@pytest.fixture
def alice(group: Group) -> Admin:
    return Admin(developer("alice", group=group))


@pytest.fixture
def bob(db) -> Admin:
    return Admin(developer("bob", group=Group.objects.create(name="Bank team")))


@pytest.fixture
def olga(db) -> Admin:
    return Admin(User.objects.create_superuser("olga"))


@pytest.fixture
def bot(group: Group) -> Bot:
    return make_bot("Shop", group=group)
