"""Quality of an ONNX file without this project: python -I recomputed.py FILE INPUTS.npy LABELS.npy → JSON on stdout."""

import json
import sys
import time

import numpy as np
import onnxruntime
from sklearn import metrics

file, inputs, true = sys.argv[1], np.load(sys.argv[2]), np.load(sys.argv[3])
session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
logits = session.run(None, {name: inputs})[0].astype(np.float64)
shares = np.exp(logits - logits.max(1, keepdims=True))
shares /= shares.sum(1, keepdims=True)
said, seconds = shares.argmax(1), []
for _ in range(300):
    began = time.perf_counter()
    session.run(None, {name: inputs[:1]})
    seconds.append(time.perf_counter() - began)
quality = {
    "accuracy": metrics.accuracy_score(true, said),
    "precision_macro": metrics.precision_score(true, said, average="macro", zero_division=0),
    "recall_macro": metrics.recall_score(true, said, average="macro"),
    "f1_macro": metrics.f1_score(true, said, average="macro"),
    "top_3_accuracy": metrics.top_k_accuracy_score(true, shares, k=3),
    "roc_auc": metrics.roc_auc_score(true, shares, multi_class="ovr"),
    "loss": metrics.log_loss(true, shares),
}
confusion = metrics.confusion_matrix(true, said).tolist()
print(json.dumps({"quality": quality, "confusion": confusion, "ms": [1000 * one for one in seconds]}))
