"""The three services, each one value in a module of its own."""
