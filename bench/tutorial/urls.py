from django.urls import path

from bench.tutorial.views import MessagesView

urlpatterns = [path("messages/", MessagesView.as_view())]
