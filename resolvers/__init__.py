"""What each operation does. Transactions begin and end here; no GraphQL, no HTTP."""
