from django.urls import path

from handoff.sandbox.instance.desk import views

app_name = "desk"
urlpatterns = [
    path("", views.desk, name="desk"),
    path("chats/", views.chats, name="chats"),
    path("chats/<str:sys_id>/", views.desk, name="chat"),
    path("chats/<str:sys_id>/messages/", views.messages, name="messages"),
    path("chats/<str:sys_id>/files/<str:file_id>/", views.file, name="file"),
    path("chats/<str:sys_id>/typing/", views.typing, name="typing"),
    path("chats/<str:sys_id>/accept/", views.accept, name="accept"),
    path("chats/<str:sys_id>/reject/", views.reject, name="reject"),
    path("chats/<str:sys_id>/transfer/", views.transfer, name="transfer"),
    path("chats/<str:sys_id>/end/", views.end, name="end"),
]
