"""The upload client: a program that knows the server only by its API."""
