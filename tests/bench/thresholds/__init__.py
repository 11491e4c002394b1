"""What adaptive thresholds are worth: false alarms, what they find, and when."""
