"""The whole of the paper from one manifest: the body of `daug train all`."""
