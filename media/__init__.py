"""Probing, ffmpeg and HLS. Nothing here knows the database."""
