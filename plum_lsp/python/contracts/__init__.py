"""What the words and annotations around a function promise of its results."""
