"""What each service takes in a request, as tables of fields."""
