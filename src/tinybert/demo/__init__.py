"""The demo: a real teacher and real texts, both out of installed packages."""
