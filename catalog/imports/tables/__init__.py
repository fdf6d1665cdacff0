"""Tables in text files, JSON and Parquet: read into columns, understood, and turned into items."""
