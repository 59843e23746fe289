"""What tests share: the database server, API clients, factories, media samples, waiting."""
