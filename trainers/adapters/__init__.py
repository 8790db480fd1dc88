"""Public collections of chest radiographs, each read from its own layout into one manifest.

    record.py        what every adapter says: one radiograph, or what was left out and why
    collection.py    a collection's folder: its tables and images, and nothing outside it
    label_words.py   a collection's words to findings
    splits.py        a split by patient where the collection has none of its own
    tally.py         what was written, what was left out, by reason
    writing.py       records to a manifest, whole or not at all
    reach.py         how a manifest's relative paths reach the images
    cli.py           the commands `daug data nih`, `daug data chexpert` ...
    catalogue.py     every adapter of a public collection

    nih.py           NIH ChestX-ray14, with boxes and the official lists
    chexpert.py      CheXpert and CheXpert-small
    vindr.py         VinDr-CXR from PhysioNet, and VinBigData from Kaggle
    readers.py       several readers of one image, merged
    padchest.py      PadChest
    rsna.py          RSNA pneumonia, with boxes
    siim.py          SIIM-ACR pneumothorax, outlines as boxes
    covid.py         the COVID-19 image data collection
    folder.py        a plain folder: labels from folder names or a CSV table

A new one is a file with a `read` that yields records as it goes, an `Adapter` around it, and a
line in catalogue.py. Nothing read from a collection is ever evaluated as code.
"""
