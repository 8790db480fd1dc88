"""What the figures of the localisation tables mean, in one paragraph below them."""

from daug.bundle import MIN_TEST_POSITIVES
from trainers.evaluation.paper_tables import TOO_SMALL

DEFINITIONS = (
    "Heat is the absolute value of a map: where something would change, whichever way. All "
    "measures are on the model's square, inside the radiograph. Hit rate: the hottest pixel lies "
    "in what was drawn, no tolerance; of equally hot pixels, the share that does. Energy ratio: "
    "share of the heat inside / share of the area inside; chance has 1. IoU, Otsu: of what is "
    "hotter than Otsu's threshold. IoU, tuned: of the hottest share of the pixels, the share that "
    "did best on the radiographs that are there to choose with; a share of pixels and not an "
    "amount of heat, since the methods have no unit in common. Average precision: of the pixels, "
    "ranked by heat; chance has the share of the area inside. Means over radiographs, 95 % "
    f"percentile intervals over patients. {TOO_SMALL}: fewer than {MIN_TEST_POSITIVES} "
    "radiographs. Only the row marked as compared, fixed beforehand, is held against others: "
    "− the drawn finding under softmax, by the bundle's own recipe. Saliency maps explain the "
    "logit of the same super-class of the same classifier at t = 0 (Captum): Grad-CAM on its last "
    "feature map, integrated gradients from the empty picture in 32 steps, occlusion by windows of "
    "an eighth of the side, the plain input gradient; none is smoothed. Grad-CAM within: cut to "
    "where our own maps may show change, by the bundle's recipe. Centre: a Gaussian in the "
    "middle of the radiograph. Lungs: both lungs alike. Chance: the mean of 8 random maps."
)
