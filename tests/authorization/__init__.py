"""Who may see and change what: a matrix over the whole schema, made of the schema.

The doors beside GraphQL take links that we signed; each has a test that others are refused alike:
- uploads: tests/api/test_uploads.py, `test_an_altered_link_is_refused`
- tus: tests/api/test_tus.py, `test_a_link_must_be_ours`
- playback: tests/api/test_delivery.py, `test_a_link_that_ended_or_was_altered_opens_nothing`
- keys of segments: tests/api/test_segment_keys.py, `test_what_is_no_key_is_refused`
- exports: tests/api/test_exports.py, `test_a_link_that_was_changed_gives_nothing`
- possession: tests/api/test_instant.py, `test_a_challenge_that_was_altered_is_refused`
"""
