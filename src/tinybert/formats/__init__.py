"""Files that other runtimes read, one folder a format, and the list of them."""
