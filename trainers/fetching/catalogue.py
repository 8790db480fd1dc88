"""The collections that may be fetched freely, as their publishers describe them.

Checksums of ChestX-ray14 are those of its FAQ_CHESTXRAY.pdf (question 7); its lengths are what the
source tells. Open-i and Hannover publish none.
"""

from trainers.fetching.fault import FetchError
from trainers.fetching.hannover_table import write_hannover_table
from trainers.fetching.record import ByHand, Download, RemoteFile

OPENI = Download(
    name="openi",
    title="Open-i, Indiana University chest radiographs with reports",
    page="https://openi.nlm.nih.gov/faq",
    licence="CC BY-NC-ND 4.0",
    terms="Non-commercial; name the source; pass on nothing derived from it.",
    citation=(
        "Demner-Fushman D, Kohli MD, Rosenman MB, et al. Preparing a collection of radiology "
        "examinations for distribution and retrieval. JAMIA 2016;23(2):304-310."
    ),
    files=(
        RemoteFile(
            "NLMCXR_reports.tgz",
            "https://openi.nlm.nih.gov/imgs/collections/NLMCXR_reports.tgz",
            size=1_112_632,
            size_is_exact=False,
            unpack_to="ecgen-radiology",
            inner="ecgen-radiology",
        ),
        RemoteFile(
            "NLMCXR_png.tgz",
            "https://openi.nlm.nih.gov/imgs/collections/NLMCXR_png.tgz",
            size=1_360_000_000,
            size_is_exact=False,
            unpack_to="NLMCXR_png",
            inner="NLMCXR_png",
        ),
    ),
    then="daug data openi {root} -o {root}/manifest.csv",
)

# fmt: off
NIH_ARCHIVES = (  # Box's name, bytes, MD5
    ("vfk49d74nhbxq3nqjg0900w5nvkorp5c", 2_008_470_987, "fe8ed0a6961412fddcbb3603c11b3698"),
    ("i28rlmbvmfjbl8p2n3ril0pptcmcu9d1", 3_952_623_504, "ab07a2d7cbe6f65ddd97b4ed7bde10bf"),
    ("f1t00wrtdk94satdfb9olcolqx20z2jp", 3_929_234_850, "2301d03bde4c246388bad3876965d574"),
    ("0aowwzs5lhjrceb3qp67ahp0rd1l1etg", 3_838_903_983, "9f1b7f5aae01b13f4bc8e2c44a4b8ef6"),
    ("v5e3goj22zr6h8tzualxfsqlqaygfbsn", 3_935_496_531, "1861f3cd0ef7734df8104f2b0309023b"),
    ("asi7ikud9jwnkrnkj99jnpfkjdes7l6l", 3_986_301_172, "456b53a8b351afd92a35bc41444c58c8"),
    ("jn1b4mw4n6lnh74ovmcjb8y48h8xj07n", 4_016_328_426, "1075121ea20a137b87f290d6a4a5965e"),
    ("tvpxmn7qyrgl0w8wfh9kqfjskv6nmm1j", 4_018_347_353, "b61f34cec3aa69f295fbb593cbd9d443"),
    ("upyy3ml7qdumlgk2rfcvlb9k6gvqq2pj", 4_111_327_929, "442a3caa61ae9b64e61c561294d1e183"),
    ("l6nilvfa9cg3s28tqv1qc1olm3gnz54p", 4_181_556_296, "09ec81c4c31e32858ad8cf965c494b74"),
    ("hhq8fkdgvcari67vfhs7ppg2w6ni4jze", 4_187_084_020, "499aefc67207a5a97692424cf5dbeed5"),
    ("ioqwiy20ihqwyr8pf4c24eazhh281pbu", 2_914_187_733, "dc9fda1757c2de0032b63347a7d2895c"),
)
# fmt: on

NIH = Download(
    name="nih",
    title="NIH ChestX-ray14, 112,120 frontal radiographs of 30,805 patients",
    page="https://nihcc.app.box.com/v/ChestXray-NIHCC",
    licence="NIH-CC",
    terms="No restriction on use; link to the page, credit the NIH Clinical Center and cite.",
    citation=(
        "Wang X, Peng Y, Lu L, Lu Z, Bagheri M, Summers RM. ChestX-ray8: Hospital-scale Chest "
        "X-ray Database and Benchmarks. CVPR 2017, arXiv:1705.02315."
    ),
    files=tuple(
        RemoteFile(
            f"images_{number:03d}.tar.gz",
            f"https://nihcc.box.com/shared/static/{box}.gz",
            size=size,
            checksum=f"md5:{md5}",
            unpack_to=f"images_{number:03d}",  # images_001/images/00000001_000.png
        )
        for number, (box, size, md5) in enumerate(NIH_ARCHIVES, 1)
    ),
    by_hand=(
        ByHand("Data_Entry_2017_v2020.csv", needed=True),
        ByHand("BBox_List_2017.csv", needed=False),
        ByHand("train_val_list.txt", needed=False),
        ByHand("test_list.txt", needed=False),
    ),
    then="daug data nih {root} -o {root}/manifest.csv",
)

HANNOVER = Download(
    name="hannover",
    title="COVID-19 image repository of Hannover Medical School",
    page="https://github.com/ml-workgroup/covid-19-image-repository",
    licence="CC BY 3.0",
    terms="Any use; name the authors.",
    citation=(
        "Winther HB, Laser H, Gerbel S, et al. COVID-19 Image Repository. Hannover Medical School "
        "2020, doi:10.6084/m9.figshare.12275009."
    ),
    files=(
        RemoteFile(
            "covid-19-image-repository.zip",
            "https://github.com/ml-workgroup/covid-19-image-repository/archive/refs/heads/master.zip",
            unpack_to="covid-19-image-repository",
            inner="covid-19-image-repository-master",
        ),
    ),
    tabulate=write_hannover_table,
    then=(
        "daug data folder {root} --labels {root}/images.csv --name hannover "
        '--license "CC BY 3.0" --citation "doi:10.6084/m9.figshare.12275009" '
        "-o {root}/manifest.csv"
    ),
)

CATALOGUE: tuple[Download, ...] = (OPENI, NIH, HANNOVER)


def find_download(name: str, catalogue: tuple[Download, ...] = CATALOGUE) -> Download:
    """Return a collection by its name.

    Raises:
        FetchError: If there is none of it.
    """
    for download in catalogue:
        if download.name == name.strip().lower():
            return download
    raise FetchError(
        f"{name!r} cannot be fetched. There is {', '.join(d.name for d in catalogue)}; other "
        "collections ask for an agreement or an account, and are fetched by hand."
    )
