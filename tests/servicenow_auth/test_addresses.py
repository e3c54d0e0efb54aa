import pytest

from servicenow_auth.addresses import is_listed, servicenow_origin, webhook_url
from servicenow_auth.exceptions import BadAddress

LISTED = ["http://127.0.0.1:8100", "https://snow.example.com"]


@pytest.fixture(autouse=True)
def listed(settings):
    settings.SERVICENOW_EXTRA_ORIGINS = LISTED
    settings.WEBHOOK_EXTRA_ORIGINS = ["http://127.0.0.1:8200"]


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://example.service-now.com", "https://example.service-now.com"),
        (
            " https://Example.Service-Now.com/now/nav/ui?a=b#c ",
            "https://example.service-now.com",
        ),
        ("example.service-now.com", "https://example.service-now.com"),
        ("https://example.service-now.com.", "https://example.service-now.com"),
        ("https://example.service-now.com:443/", "https://example.service-now.com"),
        ("https://a.servicenowservices.com", "https://a.servicenowservices.com"),
        ("http://127.0.0.1:8100/login.do", "http://127.0.0.1:8100"),
        ("https://snow.example.com:443", "https://snow.example.com"),
    ],
)
def test_an_instances_address_is_reduced_to_its_origin(typed, origin):
    assert servicenow_origin(typed) == origin


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "https://",
        "http://example.service-now.com",
        "https://service-now.com",
        "https://.service-now.com",
        "https://example.service-now.com.evil.example",
        "https://evilservice-now.com",
        "https://evil.example/.service-now.com",
        "https://evil.example?x=.service-now.com",
        "https://example.service-now.com:8443",
        "https://example.service-now.com:notaport",
        "https://someone:secret@example.service-now.com",
        "https://evil.example\\@example.service-now.com",
        "https://exämple.service-now.com",
        "https://exa mple.service-now.com",
        "https://example.service-now.com\nevil",
        "https://127.0.0.1",
        "https://[::1]",
        "http://127.0.0.1:8101",
        "https://127.0.0.1:8100",
        "ftp://example.service-now.com",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_instance_is_refused_with_a_sentence(typed):
    with pytest.raises(BadAddress) as refused:
        servicenow_origin(typed)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "url",
    [
        "https://bot.example.com/hooks/1?tenant=a",
        "https://bot.example.com:8443/",
        "http://127.0.0.1:8200/webhook",
    ],
)
def test_a_webhook_is_kept_as_typed(url):
    assert webhook_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://bot.example.com/",
        "https://bot.example.com:22/",
        "https://me:secret@bot.example.com/",
        "https://bot.example.com/#part",
        "http://127.0.0.1:8201/webhook",
        "bot.example.com",
        "https://bot.example.com/\x00",
    ],
)
def test_a_webhook_that_must_not_be_called_is_refused(url):
    with pytest.raises(BadAddress):
        webhook_url(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8100/a/b", True),
        ("https://SNOW.example.com:443", True),
        ("http://127.0.0.1:8101", False),
        ("http://127.0.0.1:8100@evil.example", False),
        ("https://snow.example.com.evil.example", False),
        ("no address", False),
    ],
)
def test_only_the_very_origin_is_listed(url, expected):
    assert is_listed(url, LISTED) is expected
