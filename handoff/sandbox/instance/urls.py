"""Every door of the instance, spelled as ServiceNow spells it."""

from django.urls import include, path
from django.views.generic import TemplateView

from handoff.sandbox.instance import (
    attachment_api,
    calls,
    connect,
    oauth,
    panel,
    photos,
    table_api,
)
from handoff.sandbox.instance.desk import views as desk
from handoff.sandbox.instance.virtual_agent import api as virtual_agent

_support = [
    path("queues", connect.queues),
    path("queues/<str:queue_id>", connect.queue),
    path("queues/<str:queue_id>/sessions", connect.queue_sessions),
    path("queues/<str:queue_id>/accept", connect.queue_accept),
    path("sessions", connect.sessions),
    path("sessions/<str:group_id>/escalate/<str:queue_id>", connect.escalate),
    path("sessions/<str:group_id>/transfer/<str:to>", connect.transfer_session),
    path("sessions/<str:group_id>/<str:action>", connect.session_action),
]

urlpatterns = [
    path("", TemplateView.as_view(template_name="instance/home.html"), name="home"),
    path("<str:sys_id>.iix", photos.show),
    path("login.do", oauth.login, name="login"),
    path("logout.do", oauth.logout, name="logout"),
    path("oauth_auth.do", oauth.authorize),
    path("oauth_token.do", oauth.token),
    path("oauth_revoke_token.do", oauth.revoke),
    path("incident.do", desk.incident, name="incident"),
    path("desk/", include("handoff.sandbox.instance.desk.urls")),
    path("sandbox/api/log", calls.log),
    path("sandbox/", panel.page, name="panel"),
    path("sandbox/api/switches", panel.control),
    path("sandbox/api/faults", panel.faults),
    path("api/now/connect/support/", include(_support)),
    path("api/now/connect/conversations/<str:group_id>", connect.conversation),
    path("api/now/connect/conversations/<str:group_id>/messages", connect.messages),
    path("api/now/attachment/file", attachment_api.upload),
    path("api/now/attachment/<str:sys_id>", attachment_api.metadata),
    path("api/now/attachment/<str:sys_id>/file", attachment_api.download),
    path("api/now/v1/cs/media/<str:sys_id>", attachment_api.media),
    path("api/sn_va_as_service/bot/integration", virtual_agent.integration),
    path("api/now/awa/queues/<str:queue_id>/work_item", virtual_agent.work_item),
    path("api/now/live/profiles/<str:profile_id>", connect.profile),
    path("api/now/table/<str:table>", table_api.records),
    path("api/now/table/<str:table>/<str:sys_id>", table_api.record),
    path("api/now/<str:version>/table/<str:table>", table_api.records),
    path("api/now/<str:version>/table/<str:table>/<str:sys_id>", table_api.record),
]
handler404 = "handoff.sandbox.instance.api.not_found"
