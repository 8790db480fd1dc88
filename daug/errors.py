"""What DAug raises on purpose, so that a caller can catch as widely or as narrowly as it likes.

DaugError
├── RadiographError    the file cannot become a Radiograph
├── RecipeError        the heatmap asked for cannot be drawn
│   └── UntrainedError     because its super-class had too few examples in training
├── EngineError        the computation went wrong on the way (NaN, infinity)
├── EmbeddingError     embeddings of two models were mixed, or one is not a unit vector
├── BundleError        the models on disk are not what their description says
├── ManifestError      the table of radiographs cannot be trained on or scored
├── TrainingError      a training cannot start, go on or be resumed
├── VocabularyError    the words by which reports are read cannot be used
├── LibraryError       the case library cannot be used, or cannot do what was asked
└── ExportError        a result cannot be written
"""


class DaugError(Exception):
    """Base of every error that DAug raises on purpose; its message is fit to show on screen."""


class RadiographError(DaugError):
    """The file cannot become a Radiograph."""


class RecipeError(DaugError):
    """The heatmap asked for cannot be drawn."""


class UntrainedError(RecipeError):
    """The super-class had too few examples in training to be offered."""


class EngineError(DaugError):
    """The computation went wrong on the way, for instance NaN or infinity at some step."""


class EmbeddingError(DaugError):
    """Embeddings of two models were mixed, or one is no unit vector."""


class BundleError(DaugError):
    """The models on disk are not what their description says, or some are missing."""


class ManifestError(DaugError):
    """The table of radiographs cannot be trained on or scored."""


class TrainingError(DaugError):
    """A training cannot start, go on or be resumed."""


class VocabularyError(DaugError):
    """The words by which reports are read cannot be used."""


class LibraryError(DaugError):
    """The case library cannot be used, or cannot do what was asked of it."""


class ExportError(DaugError):
    """A result cannot be written."""
