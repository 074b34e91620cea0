"""What a run says of itself: report.json, a table, a model card."""
