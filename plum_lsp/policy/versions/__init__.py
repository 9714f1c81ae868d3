"""Published policy versions: their folders, and how an adapter becomes the active one."""
