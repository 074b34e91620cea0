"""The program `tinybert`: what is given on the command line, and what is printed."""
