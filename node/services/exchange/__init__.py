"""What goes over links and comes from them: authoring, intake, receipts, marks, attachments, enrolment."""
