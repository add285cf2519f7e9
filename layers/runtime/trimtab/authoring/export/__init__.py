"""How a training job turns what ``fit`` returned into a file that can be served without a pickle.

Stays out of the artifact. Needs the job kit (onnx, skl2onnx, onnxruntime, skops).
"""
