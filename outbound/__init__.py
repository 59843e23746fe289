"""Requests to servers of strangers: checked addresses, bounded answers."""
