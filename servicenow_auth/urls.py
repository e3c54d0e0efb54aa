from django.urls import path

from servicenow_auth import views

app_name = "servicenow_auth"
urlpatterns = [path("oauth/callback/", views.callback, name="callback")]
