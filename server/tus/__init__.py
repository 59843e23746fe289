"""Resumable uploads by the tus protocol, version 1.0.0: see docs/tus.md."""
