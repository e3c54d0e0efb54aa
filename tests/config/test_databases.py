import pytest
from django.db.utils import ConnectionHandler

from config.databases import POSTGRES_OPTIONS, with_options
from config.env import database_entry


def test_what_the_address_asks_of_postgres_is_kept():
    address = "postgres://a:b@c:5432/d?sslmode=verify-full&sslrootcert=/ca.pem"

    options = with_options(database_entry(address))["OPTIONS"]

    asked = {"sslmode": "verify-full", "sslrootcert": "/ca.pem"}
    assert options == POSTGRES_OPTIONS | asked


def test_our_own_options_of_postgres_win():
    address = "postgres://a:b@c:5432/d?options=-csynchronous_commit%3Doff"

    assert with_options(database_entry(address))["OPTIONS"] == POSTGRES_OPTIONS


@pytest.mark.postgres
@pytest.mark.django_db
def test_what_is_asked_again_and_again_is_planned_once(postgres_url):
    entry = with_options(database_entry(postgres_url))
    connection = ConnectionHandler({"default": entry})["default"]
    with connection.cursor() as cursor:
        for number in range(20):
            cursor.execute("SELECT %s::int", [number])
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        planned = [statement for (statement,) in cursor.fetchall()]
    connection.close()

    assert planned == ["SELECT $1::int"]
