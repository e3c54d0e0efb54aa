"""What the product does: one function a use case, one transaction each."""

from handoff.opening import TranscriptEntry
from handoff.services.attachments import note_fetched, upload_attachment
from handoff.services.bots import (
    create_api_key,
    new_signing_secret,
    prepare_bot,
    refuse_another_user,
    resume_lanes,
    resume_paused_lanes,
    revoke_api_key,
    switch_webhook_on,
    tell_authorization_required,
)
from handoff.services.callbacks import receive_callback
from handoff.services.handoffs import availability, end_handoff, set_typing
from handoff.services.messages import post_message
from handoff.services.requests import NewMessage, StartRequest
from handoff.services.restoring import Restored, after_restore, forgotten_chats
from handoff.services.starting import Started, start_handoff

__all__ = [
    "NewMessage",
    "Restored",
    "StartRequest",
    "Started",
    "TranscriptEntry",
    "after_restore",
    "availability",
    "create_api_key",
    "end_handoff",
    "forgotten_chats",
    "new_signing_secret",
    "note_fetched",
    "post_message",
    "prepare_bot",
    "receive_callback",
    "refuse_another_user",
    "resume_lanes",
    "resume_paused_lanes",
    "revoke_api_key",
    "set_typing",
    "start_handoff",
    "switch_webhook_on",
    "tell_authorization_required",
    "upload_attachment",
]
