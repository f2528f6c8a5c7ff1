"""One small program a client, each run in a process of its own."""
