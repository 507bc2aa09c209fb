"""Networks that the papers compare with their own."""
