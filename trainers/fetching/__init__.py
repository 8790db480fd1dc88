"""Public collections from their official sources, whole and verified: `daug data get`.

    record.py          what is known of a collection that may be fetched freely
    catalogue.py       the collections, with sizes, licences and checksums as published
    fault.py           what can go wrong on the way
    addresses.py       which addresses are asked: https, and http on this machine
    asking.py          one request, and what the answer says of itself
    partial.py         a file that is not whole yet, and how to go on with it
    transfer.py        one file, through interruptions
    checksums.py       a file against what is published and what was received before
    receipt.py         what was received, kept beside it
    plan.py            what would be fetched, and whether the disk holds it
    unpacking.py       an archive to a folder, and nothing outside it
    tar_members.py     the files in a tar archive, one by one
    zip_members.py     the files in a ZIP archive, one by one
    hannover_table.py  a table for `daug data folder`
    fetching.py        all of a collection, in order
    progress.py        a bar on the terminal
    cli.py             the command

Nothing here runs by itself, and no other part of the trainers asks a network for anything but a
bundle on a hub that somebody named.
"""
