"""One connection to an editor: how it is opened, its frames, the order of its messages, and its end."""
