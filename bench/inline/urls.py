from django.urls import path

from bench.inline.views import MessagesView

urlpatterns = [path("messages/", MessagesView.as_view())]
