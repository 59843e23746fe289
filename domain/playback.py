"""Rules of playback links."""

MIN_TTL_SECONDS = 10
MAX_TTL_SECONDS = 24 * 3600
DEFAULT_TTL_SECONDS = 4 * 3600
"""Long enough to watch a long film with pauses."""
