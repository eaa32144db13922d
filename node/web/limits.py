"""Bounds of the console, each with its unit and reason."""

from __future__ import annotations

REQUEST_S = 30.0  # for an answer to begin; what takes longer runs beside (`reconcile`, `backup`)
UPLOAD_S = 900.0  # 500 MiB over an office's line of 5 Mbit/s, in either direction
HEAD_S = 10.0  # for the head of a request to arrive
KEEP_ALIVE_S = 20
STOP_S = 3  # for requests under way when the node stops
CONNECTIONS_MAX = 1_600  # 200 people at browsers that open up to six each, and some who come and go
HEAD_BYTES_MAX = 16_384
FORM_BYTES_MAX = 1_048_576  # without files: 20,000 characters of text are 60 KB
UPLOADS_MAX = 4  # at the same time: they wait on the disk
FIELDS_MAX = 600  # a decomposition to 100 offices has five fields each
FILES_MAX = 20
DRAFT_BYTES_MAX = 131_072
DRAFTS_PER_ACCOUNT_MAX = 50
ONCE_LIFE_MS = 24 * 3_600_000  # a form may stand open for a day
SAVED_ANSWER_CHARS_MAX = 100_000
PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX = 10, 200
ARGON_MEMORY_KIB, ARGON_PASSES = 19_456, 2  # OWASP's figures; the node has 130 MiB to live in
HASHES_AT_ONCE = 1
STREAMS_PER_SESSION_MAX = 3  # a browser opens six connections to a host; pages out of sight close theirs
STREAMS_MAX = 300
STREAM_QUEUE_MAX = 64  # messages; who is slower is told to read anew
HEARTBEAT_S = 15.0
LINKS_WATCHED_S = 3.0
CHANGED_IDS_MAX = 200  # in one message; beyond it "many"
TIDY_S = 600.0
QUERY_CHARS_MAX = 300
# To make a page anew takes 20 to 60 ms: all that are open together may take a third of the node's time, no more.
GATHER_S, GATHER_PER_STREAM_S, GATHER_S_MAX = 0.3, 0.1, 30.0  # between two tellings while changes go on
SPREAD_PER_STREAM_MS, SPREAD_MS_MAX = 50, 15_000  # over which the pages told then ask
