from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.tutorial.models import Message
from bench.tutorial.tasks import deliver


class MessageSerializer(serializers.ModelSerializer[Message]):
    class Meta:
        model = Message
        fields = ["id", "group", "text", "created_at"]


class MessagesView(APIView):
    def post(self, request: Request) -> Response:
        serializer = MessageSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        message = serializer.save()
        deliver.delay(message.pk)
        return Response(serializer.data, status=202)
