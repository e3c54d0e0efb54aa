import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command


@pytest.mark.django_db
def test_the_administrator_gets_the_password_of_the_environment(
    settings, monkeypatch: pytest.MonkeyPatch
):
    settings.DEMO = True
    for password in ("first-one", "second-one"):
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
        call_command("prepare_demo")

    user = User.objects.get()
    assert user.is_superuser
    assert user.check_password("second-one")


@pytest.mark.django_db
def test_outside_a_demo_it_makes_nobody(settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match="DEMO=1 is not set"):
        call_command("prepare_demo")

    assert not User.objects.exists()
