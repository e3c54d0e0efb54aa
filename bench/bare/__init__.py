"""The least that a callback could do: one INSERT."""
