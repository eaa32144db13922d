"""What a business date brings: reminders, dates of measures and steps, proposals."""
