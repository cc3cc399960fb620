"""Landing files as rows of text: finding them, hashing them, reading CSV and Parquet in bounded chunks."""
