"""Whether a manifest is fit to train and score on: images, duplicates, leakage, labels, overlaps.

entries.py        its rows, and the lines that are none
looking.py        every image decoded once: what tells it from others, or why it cannot be read
alike.py          identical pixels, and pictures that look almost the same
leaks.py          patients and pixels that are in more than one split
overlaps.py       collections that are known to hold each other's images
counts.py         labels and views by data set and split
checking.py       all of it on one manifest
document.py       what was found as a JSON document
sentences.py      what was found in words
thumbnails.py     small pictures to stand in a page
page.py           one HTML page to look at
cli.py            the command `daug data check`
"""
