from celery import shared_task

from bench.servicenow import post_message
from bench.tutorial.models import Message


@shared_task
def deliver(message_id: int) -> None:
    message = Message.objects.get(pk=message_id)
    post_message(group=message.group, text=message.text)
