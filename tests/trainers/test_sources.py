import pytest

from daug.errors import ManifestError
from trainers.sources import MayTrain, allowed_sources


def test_a_data_set_trains_only_what_its_licence_allows() -> None:
    names = ("nih", "jsrt", "cohen", "my-hospital", "nih")
    assert allowed_sources(names, MayTrain.DRAW) == ("my-hospital", "nih")
    assert allowed_sources(names, MayTrain.RECOGNISE) == ("jsrt", "my-hospital", "nih")


def test_where_no_data_set_may_train_a_model_none_does() -> None:
    """An empty choice would mean every source."""
    with pytest.raises(ManifestError, match="cohen, tbx11k do not allow"):
        allowed_sources(("cohen", "tbx11k"), MayTrain.RECOGNISE)
    with pytest.raises(ManifestError, match="jsrt"):
        allowed_sources(("jsrt",), MayTrain.DRAW)
