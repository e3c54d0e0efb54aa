"""The tables that this instance knows, as far as handing a chat over touches them.

A column is written `name`, `name?` for a boolean, `name:table` for a reference,
`name!` for a secret, which can be set but is never given out, and `name*` for a secret
that the instance itself has to use.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SYSTEM_COLUMNS = (
    "sys_id",
    "sys_created_by",
    "sys_created_on",
    "sys_updated_by",
    "sys_updated_on",
    "sys_mod_count",
)


@dataclass(frozen=True)
class Table:
    columns: tuple[str, ...]
    booleans: frozenset[str]
    secrets: frozenset[str]
    sealed: frozenset[str]
    references: Mapping[str, str]
    display: str
    unique: str
    defaults: dict[str, str]


def _table(
    columns: str,
    *,
    display: str = "name",
    unique: str = "",
    defaults: dict[str, str] | None = None,
) -> Table:
    words = columns.split()
    pairs = [word.partition(":") for word in words]
    return Table(
        columns=tuple(name.rstrip("?!*") for name, _, _ in pairs) + SYSTEM_COLUMNS,
        booleans=frozenset(word[:-1] for word in words if word.endswith("?")),
        secrets=frozenset(word[:-1] for word in words if word.endswith("!")),
        sealed=frozenset(word[:-1] for word in words if word.endswith("*")),
        references={name: target for name, _, target in pairs if target},
        display=display,
        unique=unique,
        defaults=defaults or {},
    )


TABLES: Mapping[str, Table] = {
    "sys_user": _table(
        "user_name name first_name last_name email active? user_password!"
        " web_service_access_only? internal_integration_user? title",
        unique="user_name",
        defaults={"active": "true"},
    ),
    "sys_user_group": _table(
        "name description active? manager:sys_user", defaults={"active": "true"}
    ),
    "sys_user_grmember": _table("user:sys_user group:sys_user_group", display="sys_id"),
    "sys_user_role": _table("name description", unique="name"),
    "sys_user_has_role": _table(
        "user:sys_user role:sys_user_role state inherited?", display="sys_id"
    ),
    "chat_queue": _table(
        "name active? assignment_group:sys_user_group average_wait_time"
        " confirm_problem escalate_to:chat_queue initial_agent_response"
        " not_available question schedule",
        defaults={"active": "true"},
    ),
    "chat_queue_entry": _table(
        "number queue:chat_queue group:live_group_profile state short_description"
        " opened_by:sys_user assigned_to:sys_user assignment_group:sys_user_group"
        " priority work_start work_end work_notes action opened_at active?"
        " transfer_state transfer_to:sys_user transfer_from:sys_user",
        display="number",
    ),
    "live_profile": _table("name type table document photo"),
    "live_group_profile": _table(
        "name short_description type table document public_group? visible_group?"
        " document_group?"
    ),
    "live_group_member": _table(
        "group:live_group_profile member:live_profile member_type state",
        display="sys_id",
    ),
    "live_message": _table(
        "group:live_group_profile profile:live_profile to_profile:live_profile message"
        " formatted_message last_message? internal? private_message? reflected_field"
        " reply_to:live_message state has_links?",
        display="message",
        defaults={
            "internal": "false",
            "private_message": "false",
            "last_message": "true",
            "state": "published",
        },
    ),
    "live_link": _table("attached_to_table attached_to_id url short_description"),
    "sys_attachment": _table(
        "table_name table_sys_id file_name content_type size_bytes", display="file_name"
    ),
    "sandbox_file_of_message": _table(
        "group:live_group_profile message:live_message attachment:sys_attachment",
        display="sys_id",
    ),
    "sys_properties": _table(
        "name value type description is_private? read_roles write_roles suffix",
        unique="name",
        defaults={"type": "string", "is_private": "false"},
    ),
    "sys_script": _table(
        "name collection when order priority active? advanced? action_insert?"
        " action_update? action_delete? action_query? filter_condition condition"
        " script description abort_action? add_message? message role_conditions"
        " template",
        defaults={
            "active": "true",
            "when": "after",
            "order": "100",
            "priority": "100",
            "action_insert": "false",
            "action_update": "false",
            "action_delete": "false",
            "action_query": "false",
        },
    ),
    "sys_script_include": _table(
        "name api_name script client_callable? access active? description",
        defaults={"active": "true"},
    ),
    "sys_rest_message": _table(
        "name description rest_endpoint authentication_type access use_basic_auth?"
        " basic_auth_user basic_auth_password*",
        defaults={"authentication_type": "no_authentication"},
    ),
    "sys_rest_message_headers": _table("rest_message:sys_rest_message name value"),
    "sys_rest_message_fn": _table(
        "rest_message:sys_rest_message function_name http_method rest_endpoint content"
        " authentication_type use_mid_server",
        display="function_name",
        defaults={"authentication_type": "inherit_from_parent"},
    ),
    "sys_rest_message_fn_headers": _table(
        "rest_message_function:sys_rest_message_fn name value"
    ),
    "sys_rest_message_fn_param_defs": _table(
        "rest_message_function:sys_rest_message_fn name value order"
    ),
    "oauth_entity": _table(
        "name client_id client_secret! redirect_url logo_url access_token_lifespan"
        " refresh_token_lifespan active? default_grant_type type access comments"
        " public_client? use_pkce? token_format inbound_grant_type"
        " scope_restriction_status",
        unique="client_id",
        defaults={
            "active": "true",
            "type": "client",
            "access_token_lifespan": "1800",
            "refresh_token_lifespan": "8640000",
        },
    ),
    "incident": _table(
        "number short_description description state caller_id:sys_user"
        " opened_by:sys_user assignment_group:sys_user_group correlation_id"
        " correlation_display",
        display="number",
        defaults={"state": "1"},
    ),
    "syslog": _table("level message source", display="message"),
    # Agent Chat: the interaction and its messages, the queues that it is routed to.
    "interaction": _table(
        "number type state state_reason short_description opened_for:sys_user"
        " assigned_to:sys_user queue:awa_queue conversation:sys_cs_conversation"
        " provider_application:sys_cs_provider_application opened_at closed_at"
        " channel_metadata_table channel_metadata_document"
        # What the conversation server knows of it.
        " stage client_session_id channel_user_id context last_request failures"
        " requester_is_typing? heard_ms idle_reminded?",
        display="number",
        defaults={"type": "chat", "state": "new", "requester_is_typing": "false"},
    ),
    "sys_cs_conversation": _table("name", display="sys_id"),
    "sys_cs_message": _table(
        "conversation:sys_cs_conversation direction payload"
        # What the desk shows.
        " interaction:interaction role author attachment:sys_attachment status",
        display="payload",
    ),
    "awa_queue": _table(
        "name active? order assignment_group:sys_user_group routing_condition"
        " average_wait_time max_wait_time_message initial_agent_response",
        defaults={"active": "true", "order": "100"},
    ),
    "awa_work_item": _table(
        "document_table document_id:interaction queue:awa_queue state"
        " assigned_to:sys_user",
        display="sys_id",
        defaults={"document_table": "interaction", "state": "queued"},
    ),
    "awa_work_item_rejection": _table(
        "work_item:awa_work_item rejected_by:sys_user", display="sys_id"
    ),
    # The Virtual Agent API: who may call, and where it posts to.
    "sys_cs_provider_application": _table(
        "name inbound_id message_auth:message_auth trusted_media_domains"
    ),
    "sys_cs_custom_adapter_property": _table(
        "provider_application:sys_cs_provider_application name value"
    ),
    "message_auth": _table("name provider inbound_message_verification"),
    "token_verification": _table("name token!"),
    "hash_message_verification": _table("name secret*"),
    "sn_va_as_service_outbound_configuration": _table(
        "name provider_application:sys_cs_provider_application"
        " rest_connection:sys_alias"
    ),
    "sys_alias": _table("name"),
    "http_connection": _table(
        "name connection_alias:sys_alias connection_url connection_timeout"
        " credential:basic_auth_credentials",
        defaults={"connection_timeout": "5000"},
    ),
    "sys_connection_attribute": _table("connection:http_connection name value"),
    "basic_auth_credentials": _table("name user_name password*"),
}

# What `sysparm_display_value` and getDisplayValue() show instead of the stored value.
LABELS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("chat_queue_entry", "state"): {
        "1": "Waiting",
        "2": "Work in Progress",
        "3": "Closed Complete",
        "4": "Closed Escalated",
        "7": "Closed by Client",
        "8": "Closed Abandoned",
    },
    ("incident", "state"): {"1": "New"},
    ("interaction", "state"): {
        "new": "New",
        "work_in_progress": "Work in Progress",
        "closed_complete": "Closed Complete",
        "closed_abandoned": "Closed Abandoned",
        "faulted": "Faulted",
    },
}
