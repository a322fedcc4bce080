"""From stored results to a report. See `whole_report`."""
