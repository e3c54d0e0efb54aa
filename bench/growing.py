"""Fill the product's database with what years would have stored there."""

import time

import psycopg

# Rows from which on a table must not be read from end to end.
MANY = 500
FLUSHED = 2.0  # seconds until PostgreSQL has written down what it counted

# Each copies one row that the product made: table, what to copy it for, what differs.
COPIES = (
    (
        "handoff_handoff",
        "generate_series(1, %(handoffs)s) n"
        " JOIN (SELECT id, row_number() OVER () AS place FROM handoff_bot) b"
        " ON b.place = 1 + mod(n, %(bots)s)",
        {
            "id": "gen_random_uuid()",
            "bot_id": "b.id",
            "conversation_id": "'grown-' || n",
            "group_id": "md5(n::text)",
            "poll_at": "now() + interval '1 day'",
        },
    ),
    (
        "handoff_lane",
        "(SELECT * FROM handoff_handoff WHERE conversation_id LIKE 'grown-%%') h,"
        " unnest(ARRAY['to_servicenow', 'to_bot']) d",
        {
            "bot_id": "h.bot_id",
            "handoff_id": "h.id",
            "direction": "d",
            "wake_at": "NULL",
            "lease_until": "NULL",
        },
    ),
    (
        "handoff_message",
        "(SELECT * FROM handoff_handoff WHERE conversation_id LIKE 'grown-%%') h,"
        " generate_series(1, %(messages)s / %(handoffs)s) n",
        {
            "id": "gen_random_uuid()",
            "handoff_id": "h.id",
            "client_id": "n",
            "sys_id": "''",
        },
    ),
    (
        "handoff_outgoing",
        "handoff_message m JOIN handoff_lane l ON l.handoff_id = m.handoff_id"
        " AND l.direction = 'to_servicenow'"
        " JOIN handoff_handoff h ON h.id = m.handoff_id"
        " AND h.conversation_id LIKE 'grown-%%'",
        {
            "lane_id": "l.id",
            "sequence": "m.number",
            "state": "'sent'",
            "kind": "'message'",
            "message_id": "m.number",
            "sys_id": "md5(m.number::text)",
        },
    ),
    (
        "handoff_event",
        "handoff_message m JOIN handoff_lane l ON l.handoff_id = m.handoff_id"
        " AND l.direction = 'to_bot'"
        " JOIN handoff_handoff h ON h.id = m.handoff_id"
        " AND h.conversation_id LIKE 'grown-%%'",
        {
            "id": "gen_random_uuid()",
            "lane_id": "l.id",
            "sequence": "m.number",
            "feed_sequence": "-m.number",
            "state": "'sent'",
            "bot_id": "l.bot_id",
            "handoff_id": "l.handoff_id",
            "message_id": "m.number",
        },
    ),
)


def grow(database_url: str, *, bots: int, handoffs: int, messages: int) -> None:
    """Store open handoffs and settled messages beside those that are there."""
    numbers = {"bots": bots, "handoffs": handoffs, "messages": messages}
    with psycopg.connect(database_url, autocommit=True) as connection:
        for table, source, changed in COPIES:
            names = _columns(connection, table)
            values = [changed.get(name, f'template."{name}"') for name in names]
            quoted = [f'"{name}"' for name in names]
            statement = (
                f"INSERT INTO {table} ({', '.join(quoted)})"  # noqa: S608 - all ours
                f" SELECT {', '.join(values)}"
                f" FROM (SELECT * FROM {table} LIMIT 1) template, {source}"
            )
            connection.execute(statement.encode(), numbers)
        connection.execute("VACUUM ANALYZE")


def scans(database_url: str) -> dict[str, int]:
    """Return how often each large table was read from end to end until now."""
    time.sleep(FLUSHED)
    with psycopg.connect(database_url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE n_live_tup > %s",
            [MANY],
        )
        return {str(table): int(count) for table, count in rows}


def _columns(
    connection: psycopg.Connection[tuple[object, ...]], table: str
) -> list[str]:
    """Return the columns whose values PostgreSQL does not count up by itself."""
    rows = connection.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_name = %s AND is_identity = 'NO'",
        [table],
    )
    return [str(name) for (name,) in rows]
