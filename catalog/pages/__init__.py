"""What pages of datasets show, from the queries that REST uses too."""
