"""Training of the anatomy model: lungs and heart from expert masks, and a harsh world around them.

warping.py       where a pixel comes from: zoom, stretch, rotation, a larger heart
opacities.py     disease painted over the lungs
surroundings.py  shoulders, arms and gas, which are easily taken for lungs
disturbances.py  grey levels, blur, text, wires, borders: what goes with a source
problem.py       network, batches, loss
training.py      from a manifest to a run folder
"""
