"""What the tests share: fakes, scripted servers and builders. Holds no tests."""
