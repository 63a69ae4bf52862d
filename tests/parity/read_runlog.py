# SPDX-License-Identifier: Apache-2.0
"""Reads a run's log folder with TensorBoard's own reader and prints what it sees, one JSON line a tag.
Needs the PyPI package tensorboard. Usage: read_runlog.py RUN/log"""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.directory_watcher import DirectoryWatcher  # noqa: F401 (same version check)

accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0})
accumulator.Reload()
tags = accumulator.Tags()
for tag in sorted(tags["scalars"]):
    print(json.dumps({"tag": tag, "values": [[e.step, e.value] for e in accumulator.Scalars(tag)]}))
for tag in sorted(tags["tensors"]):
    print(json.dumps({"tag": tag, "values": len(accumulator.Tensors(tag))}))
