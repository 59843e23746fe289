"""Tables, sessions, events and every SQL statement of the product."""
