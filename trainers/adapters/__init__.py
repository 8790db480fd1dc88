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
    mimic_dicom.py   MIMIC-CXR: DICOM files and their reports
    mimic_jpg.py     MIMIC-CXR-JPG, its labels and official split
    mimic_names.py   what both have in common: names, views, dates, terms
    mimic_labels.py  the labels of both programs and of a radiologist
    mimic_reports.py their reports, out of the archive or unpacked
    report_sections.py  the sections of such a report
    openi.py         Open-i (Indiana University), as XML and from Kaggle
    openi_report.py  one of its reports, out of its XML
    openi_headings.py  the headings of its coders to findings
    vindr.py         VinDr-CXR from PhysioNet, and VinBigData from Kaggle
    readers.py       several readers of one image, merged
    padchest.py      PadChest
    rsna.py          RSNA pneumonia, with boxes
    siim.py          SIIM-ACR pneumothorax, outlines as boxes
    covid.py         the COVID-19 image data collection
    folder.py        a plain folder: labels from folder names or a CSV table
    dicom_folder.py  a folder of DICOM studies, without a patient's name
    identity_key.py  the secret under which its patients are hashed
    dicom_cli.py     the command `daug data dicom-folder`

A new one is a file with a `read` that yields records as it goes, an `Adapter` around it, and a
line in catalogue.py. Nothing read from a collection is ever evaluated as code.
"""
