"""Which test against a real node stands for which **E** entry of faults.md (tests/unit/test_evil_table.py checks).

V3: neighbours prove themselves over the very pair of TLS certificates they speak through, so nobody between them can
strip a version; a lowest version in a signed record is not there yet, because no version has been given up so far.
"""

from __future__ import annotations

_RECORDS = "test_evil_records.py::test_refused_with_its_reason_and_not_stored"
_RELAY = "test_evil_relay.py::test_what_a_relay_alters_or_invents_is_refused_and_laid_to_its_charge"
_HELD_BACK = "test_evil_relay.py::test_a_relay_that_holds_back_or_leaves_out_is_named"

ENTRIES: dict[str, tuple[str, ...]] = {
    "B1": (_RECORDS, "test_evil_matters.py::test_a_certificate_it_may_not_give_has_no_effect"),
    "B2": (_RELAY, _RECORDS),
    "B3": ("test_evil_logs.py::test_old_records_again_have_no_effect_but_the_same_receipt",
           "test_evil_matters.py::test_marks_of_others_and_of_yesterday"),
    "B4": (_RECORDS, "test_evil_matters.py::test_a_report_on_a_siblings_task_changes_nothing_and_tells_nothing"),
    "B5": ("test_evil_matters.py::test_a_receiver_cannot_accept_or_close_its_own_work",),
    "B6": ("test_evil_matters.py::test_a_report_on_a_siblings_task_changes_nothing_and_tells_nothing",
           "test_evil_matters.py::test_attachments_of_others_are_neither_given_nor_known"),
    "B7": ("test_evil_forks.py::test_equivocation_is_known_proved_and_settled_at_every_holder",
           "test_evil_logs.py::test_two_records_under_one_number_freeze_that_log_only"),
    "B8": ("test_evil_relay.py::test_an_old_head_served_for_ever_is_shown_as_old",),
    "B9": (_RECORDS, "test_evil_frames.py::test_claimed_heads_without_end"),
    "B10": (_HELD_BACK,),
    "B11": (_HELD_BACK,),
    "B12": (_RELAY, "test_evil_matters.py::test_a_genuine_record_from_the_wrong_side_is_refused"),
    "B13": ("test_evil_frames.py::test_frames_without_end_harm_nobody",
            "test_evil_frames.py::test_a_stream_without_a_hello_is_closed",
            "test_evil_frames.py::test_an_oversized_message_ends_its_call_and_the_connection_lives",
            "test_evil_channel.py::test_two_hundred_connections_that_say_nothing_are_borne"),
    "B14": ("test_evil_frames.py::test_what_is_no_frame_ends_the_stream", _RECORDS,
            "test_evil_fuzz.py::test_broken_frames_break_nothing_but_their_stream",
            "test_evil_logs.py::test_unknown_fields_and_kinds_are_kept_byte_for_byte"),
    "B15": (_RECORDS, "test_evil_frames.py::test_a_false_greeting_opens_nothing"),
    "B16": ("test_evil_matters.py::test_texts_that_deceive_the_eye_have_no_effect_and_are_not_shown",
            "test_evil_fuzz.py::test_records_that_say_anything_are_held_and_shown"),
    "B17": ("test_evil_logs.py::test_a_log_is_continued_at_its_head_and_nowhere_else",),
    "K2": ("test_evil_relay.py::test_a_backdated_answer_is_shown_with_when_it_came_and_never_before_its_question",),
    "V3": ("test_evil_frames.py::test_a_false_greeting_opens_nothing",),
    "X1": ("test_evil_frames.py::test_an_oversized_message_ends_its_call_and_the_connection_lives",),
    "X2": ("test_evil_channel.py::test_compressed_messages_are_refused",),
    "X3": ("test_evil_channel.py::test_many_streams_at_once_are_few_for_one_office",),
}  # fmt: skip
