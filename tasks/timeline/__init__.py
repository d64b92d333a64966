"""A run on one page, to look at it again or to attach it to an outage ticket: from the journal's events to HTML."""
