from django.http import HttpRequest, HttpResponse
from django.urls import path

from bench.bare.models import Callback


def store(request: HttpRequest) -> HttpResponse:
    Callback.objects.create(body=request.body.decode())
    return HttpResponse(status=202)


urlpatterns = [path("callbacks/", store)]
