"""The shortest relay: store, and post to ServiceNow within the view."""
