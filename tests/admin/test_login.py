import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from handoff.admin.pages import PAGES
from handoff.admin.site import HandoffAdminSite
from handoff.management.commands.create_operator import new_second_factor
from tests.admin.people import Admin, page

PASSWORD = "correct horse battery"


@pytest.fixture
def operator(db, settings) -> User:
    settings.DEMO = False
    return User.objects.create_superuser("olga", password=PASSWORD)


def log_in(client: Client, *, code: str, password: str = PASSWORD):
    data = {"username": "olga", "password": password, "otp_token": code}
    return client.post("/admin/login/?next=/admin/", data)


def code_of(user: User) -> str:
    device = TOTPDevice.objects.get(user=user)
    return f"{totp(device.bin_key):06}"


def test_the_site_is_ours_and_shows_our_pages_only():
    assert isinstance(admin.site, HandoffAdminSite)
    assert set(admin.site._registry) == set(PAGES)
    assert admin.site.check(None) == []


def test_a_password_alone_lets_nobody_in(operator, client):
    new_second_factor(operator)
    assert "This field is required" in page(log_in(client, code=""))
    assert client.get("/admin/").status_code == 302


def test_password_and_code_let_in(operator, client):
    new_second_factor(operator)
    assert log_in(client, code=code_of(operator)).url == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_code_is_good_once(operator, client):
    new_second_factor(operator)
    code = code_of(operator)
    log_in(client, code=code)
    assert log_in(Client(), code=code).status_code == 200


def test_a_recovery_code_is_good_once(operator, client):
    _, codes = new_second_factor(operator)
    assert log_in(client, code=f" {codes[0].upper()} ").status_code == 302
    assert log_in(Client(), code=codes[0]).status_code == 200
    assert StaticToken.objects.count() == len(codes) - 1


def test_a_wrong_code_keeps_the_password_out_of_the_page(operator, client):
    new_second_factor(operator)
    answer = log_in(client, code="000000")
    assert answer.status_code == 200
    assert PASSWORD not in page(answer)


def test_who_has_no_second_factor_is_told_how_to_get_one(operator, client):
    assert "create_operator" in page(log_in(client, code="123456"))


def test_a_session_without_second_factor_is_sent_to_the_login(operator, client):
    client.force_login(operator)
    assert client.get("/admin/handoff/bot/").status_code == 302


def test_the_demo_asks_for_a_password_only(operator, client, settings):
    settings.DEMO = True
    assert "otp_token" not in page(client.get("/admin/login/"))
    assert log_in(client, code="").status_code == 302


def test_a_person_of_staff_without_group_sees_no_bot(bot):
    nobody = Admin(User.objects.create_user("nobody", is_staff=True))
    assert bot.name not in page(nobody.get("handoff_bot_changelist"))
    assert nobody.get("handoff_bot_add").status_code == 403


def test_only_the_admin_may_evaluate_and_style_inline(client, db):
    admin = client.get("/admin/login/")["Content-Security-Policy"]
    elsewhere = client.get("/api/v1/handoffs")["Content-Security-Policy"]
    for allowance in ("'unsafe-eval'", "'unsafe-inline'"):
        assert allowance in admin
        assert allowance not in elsewhere
