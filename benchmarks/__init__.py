"""What a call, a chunk and an import cost, beside the frameworks alone and their peers."""
