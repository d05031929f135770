"""Files: archives, downloads, packs of structures, digests of data and code."""
