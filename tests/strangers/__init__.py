"""Requests to servers of strangers, over real sockets."""
