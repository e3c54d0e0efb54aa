from django.urls import path

from handoff.callbacks.views import CallbackView

view = CallbackView.as_view()
urlpatterns = [
    path("<slug:callback_id>/", view, name="callback"),
    # A redirect to the slash would lose the body.
    path("<slug:callback_id>", view),
]
