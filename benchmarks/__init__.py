"""Speed against the plain way of the paper, in one run: the commands of `daug bench`."""
