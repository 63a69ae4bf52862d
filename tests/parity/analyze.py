#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `fairy2 analyze --json` prints, computed independently with numpy: the mathematics of Fairy2i written
down a second time, whole arrays at once. Prints one JSON document, or with --against FILE compares it with one
that fairy2 printed and says how far the two are apart.

    python tests/parity/analyze.py MODEL --stages 2 --layer '*.layers.0.*' > numpy.json
    fairy2 analyze MODEL --stages 2 --layer '*.layers.0.*' --json > ours.json
    python tests/parity/analyze.py MODEL --stages 2 --layer '*.layers.0.*' --against ours.json
"""
import argparse
import fnmatch
import json
import math
import pathlib
import sys
import time

import numpy as np

FLOOR = np.float32(1e-6)


def open_tensors(folder):
    """name -> function that reads the tensor as float32; safetensors by hand, bf16 by widening."""
    readers = {}
    for path in sorted(pathlib.Path(folder).glob("*.safetensors")):
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length)
        for name, entry in header.items():
            if name == "__metadata__":
                continue

            def read(entry=entry, data=data):
                begin, end = entry["data_offsets"]
                raw = data[begin:end]
                if entry["dtype"] == "BF16":
                    values = (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
                else:
                    types = {"F32": np.float32, "F16": np.float16, "F64": np.float64}
                    values = raw.view(types[entry["dtype"]]).astype(np.float32)
                return values.reshape(entry["shape"])

            readers[name] = read
    return readers


def phase_codes(re, im):
    """0..3 = +1, +i, -1, -i by the nearest fourth root of unity; ties go anticlockwise, zero is +1."""
    abs_re, abs_im = np.abs(re), np.abs(im)
    real = (abs_re > abs_im) | ((abs_re == abs_im) & (((re > 0) != (im > 0)) | (re == 0)))
    return np.where(real, np.where(re >= 0, 0, 2), np.where(im >= 0, 1, 3)).astype(np.uint8)


def group_mean(values, mask, scale):
    """Mean of values over the masked entries of each group, at least FLOOR, spread over the entries."""
    values = np.where(mask, values, 0)
    if scale == "tensor":
        mean = values.sum(dtype=np.float64) / max(1, mask.sum())
        groups = np.array([max(np.float32(mean), FLOOR)], dtype=np.float32)
        return groups, groups[0]
    if scale == "row":
        mean = values.sum(axis=1, dtype=np.float64) / np.maximum(1, mask.sum(axis=1))
        groups = np.maximum(mean.astype(np.float32), FLOOR)
        return groups, groups[:, None]
    rows, cols = range(0, values.shape[0], 64), range(0, values.shape[1], 64)
    sums = np.add.reduceat(np.add.reduceat(values.astype(np.float64), rows, axis=0), cols, axis=1)
    counts = np.add.reduceat(np.add.reduceat(mask.astype(np.int64), rows, axis=0), cols, axis=1)
    groups = np.maximum((sums / np.maximum(1, counts)).astype(np.float32), FLOOR)
    spread = np.repeat(np.repeat(groups, 64, axis=0), 64, axis=1)[: values.shape[0], : values.shape[1]]
    return groups, spread


def quantise_stage(re, im, scale):
    """One stage of one matrix: its statistics and the residual it leaves."""
    codes = phase_codes(re, im)
    real = (codes & 1) == 0
    s_re, spread_re = group_mean(np.abs(re), real, scale)
    s_im, spread_im = group_mean(np.abs(im), ~real, scale)
    sign = np.where((codes & 2) == 0, np.float32(1), np.float32(-1))
    angle = np.arctan2(np.minimum(np.abs(re), np.abs(im)), np.maximum(np.abs(re), np.abs(im)))
    counts = np.bincount(codes.ravel(), minlength=4)
    share = counts[counts > 0] / codes.size
    statistics = {
        "s_re": float(s_re.mean(dtype=np.float64)),
        "s_im": float(s_im.mean(dtype=np.float64)),
        "counts": [int(count) for count in counts],
        "entropy_bits": float(-(share * np.log2(share)).sum()) + 0.0,
        "boundary_distance": math.pi / 4 - float(angle.mean(dtype=np.float64)),
    }
    re = re - np.where(real, sign * spread_re, 0).astype(np.float32)
    im = im - np.where(real, 0, sign * spread_im).astype(np.float32)
    return statistics, re, im


def energy(*planes):
    return sum(float(np.square(plane, dtype=np.float64).sum()) for plane in planes)


def analyze(name, a, stages, scale):
    n, m = a.shape[0] // 2, a.shape[1] // 2
    a11, a12, a21, a22 = a[:n, :m], a[:n, m:], a[n:, :m], a[n:, m:]
    half = np.float32(0.5)
    u = half * a11 + half * a22, half * a21 - half * a12
    w = half * a11 - half * a22, half * a12 + half * a21
    energy_u, energy_w = energy(*u), energy(*w)
    whole = energy_u + energy_w
    report = {"name": name, "rows": a.shape[0], "cols": a.shape[1], "energy": 2 * whole,
              "u_energy_share": energy_u / whole, "stages": []}
    for _ in range(stages):
        stage_u, *u = quantise_stage(*u, scale)
        stage_w, *w = quantise_stage(*w, scale)
        left = energy(*u, *w) / whole
        report["stages"].append({"U": stage_u, "W": stage_w, "residual_energy": left})
    report["relative_error"] = left
    report["sqnr_db"] = -10 * math.log10(left)
    return report


def differences(path, expected, found, result):
    """Largest relative difference of numbers, by the last key of their path."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            differences(path + [key], value, found[key], result)
    elif isinstance(expected, list):
        assert len(expected) == len(found), path
        for index, value in enumerate(expected):
            differences(path + [index], value, found[index], result)
    elif isinstance(expected, str):
        assert expected == found, (path, expected, found)
    else:
        key = next(part for part in reversed(path) if isinstance(part, str))
        distance = abs(expected - found) / max(abs(expected), 1e-30)
        result[key] = max(result.get(key, 0.0), distance)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--stages", type=int, default=2)
    parser.add_argument("--scale", choices=["tensor", "row", "tile64"], default="tensor")
    parser.add_argument("--layer", default="*")
    parser.add_argument("--against", help="JSON of fairy2 analyze to compare with")
    parser.add_argument("--tolerance", type=float, default=1e-6)
    arguments = parser.parse_args()
    layers, seconds, weights = [], 0.0, 0
    for name, read in open_tensors(arguments.model).items():
        name = name.removesuffix(".weight")
        if not name.endswith("_proj") or not fnmatch.fnmatchcase(name, arguments.layer):
            continue
        start = time.perf_counter()
        a = read()
        if a.shape[0] % 2 or a.shape[1] % 2:
            continue
        layers.append(analyze(name, a, arguments.stages, arguments.scale))
        seconds += time.perf_counter() - start
        weights += a.size
    layers.sort(key=lambda layer: layer["name"])
    if not arguments.against:
        print(json.dumps({"layers": layers, "seconds": seconds, "weights": weights}, indent=1))
        return
    with open(arguments.against) as file:
        ours = sorted(json.load(file)["layers"], key=lambda layer: layer["name"])
    result = {}
    differences([], layers, ours, result)
    print(f"{len(layers)} layers, largest relative differences:")
    for key, value in result.items():
        print(f"  {key:20} {value:.2e}")
    if max(result.values()) > arguments.tolerance:
        sys.exit(f"beyond {arguments.tolerance}")


if __name__ == "__main__":
    main()
