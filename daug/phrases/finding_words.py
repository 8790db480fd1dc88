"""How reports name CheXbert's findings, as phrases for a `daug.phrases.tokens.PhraseBook`.

Which finding a word means follows the mentions of the CheXpert labeler (Irvin et al. 2019,
arXiv:1901.07031): heart failure and congestion speak of Edema, an infection of Pneumonia, valves
and hardware of Support Devices. Congestion and a blunted costophrenic angle are hints, so they are
uncertain by themselves. Scars, granulomas and sternal wires mean none of the fourteen.
"""

from collections.abc import Mapping

from daug.findings import Finding

MENTIONS: Mapping[Finding, str] = {
    Finding.ENLARGED_CARDIOMEDIASTINUM: """
        mediastinal|cardiomediastinal|paramediastinal widening|enlargement|prominence|fullness
        widening|enlargement|prominence of the? superior|upper? mediastinum|cardiomediastinum
        widening|enlargement of the? mediastinal|cardiomediastinal silhouette|contour+|shadow
        widened|wide|broadened superior|upper? mediastinum
    """,
    Finding.CARDIOMEGALY: """
        cardiomegaly|cardiomegalia
        cardiac|heart|ventricular|biventricular enlargement
        cardiac|heart silhouette|shadow|size enlargement
        enlargement of the? heart
        enlargement of|in the? cardiac|heart silhouette|shadow|size|contour+
        increase|increased in? cardiac|heart size
        increased cardiothoracic ratio
        left|right ventricular|atrial enlargement|hypertrophy
    """,
    Finding.LUNG_OPACITY: """
        opacity|opacities|opacification|opacifications|opacified
        infiltrate+|infiltration+|infiltrative
        air space disease|process|opacity|opacities|change+|infiltrate+|shadowing
        airspace disease|process|opacity|opacities|change+|infiltrate+|shadowing|abnormality
        alveolar disease|process|infiltrate+|shadowing
        groundglass opacity|opacities|opacification|change+|attenuation|density
        ground glass opacity|opacities|opacification|change+|attenuation|density?
        increased|prominent|coarse|coarsened|accentuated|thickened interstitial|reticular marking+
        increased|prominent|coarse|coarsened|accentuated bronchovascular? lung marking+
        interstitial marking+|pattern|prominence|thickening|change+|disease|infiltrate+
        prominence|increase of|in the? interstitial|lung marking+|plot|pattern
        interstitial lung disease
        reticular|reticulonodular|reticulogranular|fibronodular pattern|marking+|opacity|opacities
        reticulonodular|fibronodular|reticular infiltrate+|change+|density|densities
        reticulation+
        density|densities|opaque
        parenchymal thickening+|disease|abnormality|abnormalities
        haziness|haze
        hazy|patchy shadowing
        white out|whiteout
    """,
    Finding.LUNG_LESION: """
        nodule+|micronodule+
        nodular opacity|opacities|opacification|density|densities|lesion+|shadow+|focus|foci|disease
        nodularity
        mass|masses
        mass|masslike|nodular like? lesion+|opacity|opacities|density|densities|consolidation
        neoplasm+|neoplasia|neoplastic|malignancy|malignancies|carcinoma+|tumor+
        lung|bronchogenic|pulmonary cancer|carcinoma|neoplasm+
        metastasis|metastases
        metastatic disease|lesion+|deposit+|nodule+|spread?
        cavitary|lung|pulmonary|parenchymal|focal|coin lesion+
        cavity|cavities|cavitation+
    """,
    Finding.EDEMA: """
        edema|edemas
        pulmonary|interstitial|alveolar|cardiogenic|perihilar|vascular edema
        chf
        congestive? heart|cardiac failure
        cardiac decompensation
        early|mild|left ventricular? failure
        decompensated heart failure
        fluid|volume overload
        kerley a|b? line+
        septal line+
    """,
    Finding.CONSOLIDATION: """
        consolidation+|consolidative|consolidated
        consolidative|consolidated change+|process|opacity|opacities|airspace|lung|lobe
        alveolar|airspace|lobar|parenchymal|pulmonary consolidation+
        air space consolidation+
        air bronchogram+
    """,
    Finding.PNEUMONIA: """
        pneumonia+|bronchopneumonia+|pneumoniae|pneumonitis
        infection+|superinfection
        infectious|infective process|processes|infiltrate+|etiology|disease|change+|consolidation?
        infectious|infective inflammatory|or|and inflammatory? process|etiology|infiltrate+|disease
    """,
    Finding.ATELECTASIS: """
        atelectasis|atelectases|atelectatic|microatelectasis
        atelectatic change+|band+|opacity|opacities|disease
        linear|bandlike|discoid|platelike|subsegmental atelectasis|atelectases
        collapse|collapsed
        lobar|lobe|lung|segmental|segment|subsegmental collapse
        collapse of the? left|right? upper|middle|lower? lung|lobe
        collapsed left|right? upper|middle|lower? lung|lobe
    """,
    Finding.PNEUMOTHORAX: """
        pneumothorax|pneumothoraces|pneumothoraxes|ptx
        hydropneumothorax|hydropneumothoraces|hemopneumothorax|pneumothorace
        pleural air collection+?
    """,
    Finding.PLEURAL_EFFUSION: """
        effusion+
        pleural|subpulmonic|parapneumonic|hemorrhagic|loculated effusion+
        pleural|subpulmonic|layering|interlobar fluid collection+?
        pleural and|or|/ parenchymal effusion+
        hydrothorax|hemothorax|haemothorax|empyema+|pleuritis
        fluid in|within the? left|right? minor|major|horizontal|oblique? fissure+
    """,
    Finding.PLEURAL_OTHER: """
        pleural thickening+|plaque+|calcification+|scar+|scarring|fibrosis|reaction|nodularity
        pleural|pleuro parenchymal scar+|scarring|thickening|change+
        pleuroparenchymal scar+|scarring|thickening|change+
        pleural based? mass|masses|density|densities|opacity|opacities|nodule+|lesion+
        thickening|calcification of the? pleura
        calcified|thickened pleura
        calcified pleural plaque+?
        apical|biapical cap+|capping|thickening
        apical|biapical pleural thickening|scarring|cap+|capping
        fissural|interlobar thickening
        thickening of|in|along the? left|right? minor|major|horizontal|oblique? fissure+
        apical|biapical fibronodular? pleural? peripheral? thickening|scarring
        fibrothorax|mesothelioma
    """,
    Finding.FRACTURE: """
        fracture+|fractured
        compression|rib|clavicle|clavicular|vertebral|humeral|sternal|wedge fracture+
        fracture deformity|deformities
    """,
    Finding.SUPPORT_DEVICES: """
        endotracheal|tracheal|tracheostomy|nasogastric|orogastric|enteric|feeding tube+
        gastric|enteral|gastrostomy|thoracostomy|chest|pleural|pigtail|jejunostomy|drainage tube+
        et|ng|og|ett|ngt tube+?
        ogt|picc|piccs|port|ports|mediport|portacath|infuseaport|permacath|dobhoff|dobbhoff
        dobhoff|dobbhoff tube|catheter
        port a cath+
        tracheostomy|tracheostomies|tracheotomy cannula?
        picc line+|catheter+
        peripherally inserted central venous? catheter+|line+
        central|venous|jugular|subclavian|vascular|dialysis|hemodialysis|arterial line+
        cv|cvp|ij|scv line+
        central venous|access line+|catheter+|device+|port+
        catheter+|cvc|vascath
        internal jugular|ij|subclavian|picc|port catheter+|line+
        swan ganz catheter?
        pacemaker+|pacer+|aicd|icd|defibrillator+|pacing
        cardiac|dual|single|biventricular|chamber pacemaker|pacer|defibrillator
        cardiac pacing|conduction|monitoring|monitor|rhythm device+
        pacemaker|pacer|pacing|defibrillator|icd|aicd lead+|wire+|device+|generator|pack
        cardiac|ventricular|atrial|av lead+|electrode+
        implantable|implanted|loop cardiac? defibrillator|device|recorder
        implantable loop recorder
        battery|generator pack
        monitor|monitoring|telemetry|ecg|ekg lead+|device+|wire+|electrode+
        support|medical|monitoring|supportive device+|apparatus|hardware|line+|equipment
        support lines and tubes
        lines and tubes
        tubes and lines
        stent+|endograft+|stimulator+|neurostimulator
        vagal nerve stimulator+
        prosthetic|artificial|mechanical|bioprosthetic heart|aortic|mitral|cardiac? valve+
        aortic|mitral|heart|cardiac valve prosthesis|prostheses|replacement|repair
        valve prosthesis|prostheses|replacement+
        drain+|pigtail
        intra aortic balloon pump?
        intraaortic balloon pump?
        balloon pump
        iabp|lvad|impella|ecmo|vad
        left ventricular assist device
        ventricular assist device
        orthopedic|fusion|fixation|surgical|spinal|metallic|stabilization|cervical|lumbar hardware
        hardware
        fixation|stabilization|fusion|spinal rod+|plate+|screw+|device
        plate+ and screw+
        arthroplasty|arthroplasties
        ivc|caval filter+
        vp|ventriculoperitoneal shunt+
        shunt catheter+|tubing
    """,
}

HINTS: Mapping[Finding, str] = {  # a finding may be there: uncertain, unless it is denied
    Finding.EDEMA: """
        vascular|venous|pulmonary|perihilar|hilar|circulatory congestion
        pulmonary|central? vascular|venous congestion|congestive|engorgement|prominence|hypertension
        prominence of|in the? central? pulmonary? vasculature|vascularity|vessels
        pulmonary? vascular redistribution
        congested pulmonary|central? vessel+|vasculature
        congestion
        cephalization
        peribronchial cuffing
    """,
    Finding.PLEURAL_EFFUSION: """
        blunting|blunted|obscuration|obliteration of? the? left|right|both|bilateral? posterior|lateral? costophrenic|cp angle+|sulcus|sulci|recess?
        costophrenic|cp angle+|sulcus|sulci|recess? blunting|obscuration|obliteration
        costophrenic blunting
    """,  # noqa: E501
    Finding.FRACTURE: """
        compression|wedge|wedging deformity|deformities
        vertebral body? height loss
        loss of vertebral body? height
    """,
}

NOTHING_FOUND = """
    acute|active cardiopulmonary|pulmonary|chest|thoracic|intrathoracic|cardiothoracic|cardiac|radiographic? disease|abnormality|abnormalities|process|processes|finding+|pathology|change+|problem|event|infection?
    acute|active cardiac|heart or|and|/ lung|pulmonary? disease|abnormality|process|finding+
    acute|active cardiopulmonary|pulmonary? disease process
    cardiopulmonary|intrathoracic|thoracic|cardiothoracic disease|abnormality|abnormalities|process|pathology|finding+
    evidence of disease
    abnormality|abnormalities|abnormal finding+
    significant|specific abnormality|abnormalities|finding+
"""  # what denies it says that there is No Finding  # noqa: E501

NORMAL = """
    normal|unremarkable|negative|clear chest x|xray|film|radiograph|radiography? ray?
    normal|unremarkable|negative pa|ap|frontal|portable|two? and? lateral|view? chest
    normal|unremarkable|negative study|exam|examination|radiograph|radiographs|image|film
    normal|negative chest
"""

DECOYS = """
    pericardial|joint|knee|elbow|subdural|middle effusion+
    pericardial fluid
    mass effect
    body|muscle mass|habitus
    breast|chest mass|implant+
    soft|subcutaneous tissue? edema
    peripheral|leg|ankle|pedal|pretibial|cerebral edema
    heart|cardiac border+|rate|rhythm|transplant|disease|catheterization|surgery|murmur|apex
    right|left heart border+
    heart lung machine
    granulomatous infection+|disease|change+
    urinary tract? infection+
    upper? respiratory tract? infection+
    usual|desquamative|lymphocytic|nonspecific interstitial pneumonia
    cryptogenic? organizing pneumonia
    eosinophilic pneumonia
    vertebral|body collapse
    otherwise clear
    remaining|otherwise|remainder|rest of? the? lungs
    fractured sternal|median? wire+|lead+|suture+
    sternal|sternotomy|lead|wire fracture+
    bone|bony|breast|osseous|metallic|mineral|tissue|retrosternal density|densities
    calcific|calcified density|densities
    calcific|calcified nodular|round|rounded|small density|densities
    normal|equal density
    in|within|throughout|over|both the? lungs
    lungs bases|apices
    chest wall|pain|ct
    spinal|thoracic curvature
    line placement
"""  # read over

BONES_UNHURT = """
    acute|focal|significant|displaced bony|bone|osseous|skeletal abnormality|abnormalities|finding+|lesion+|injury|process|change+|pathology|findings
    acute abnormality of the? bones|ribs|skeleton
"""  # what denies it denies a fracture  # noqa: E501
