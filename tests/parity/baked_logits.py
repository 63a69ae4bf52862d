#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A baked folder in transformers: the same logits as the original model whose linears are replaced by A_q
computed here, and the same loss that `fairy2 eval ppl --json` printed.

    fairy2 quantize MODEL BAKED --mode w2
    fairy2 eval ppl BAKED --tokens ROWS.safetensors --key web --json > ours.json
    python tests/parity/baked_logits.py BAKED --original MODEL --stages 2 --tokens ROWS.safetensors --key web \
        --ours ours.json
"""
import argparse
import json
import sys

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from analyze import phase_codes, group_mean


def fake_quantise(a, stages, scale):
    """A_q of a real matrix, scales as a packed file stores them (fp16 unless there is one a tensor)."""
    n, m = a.shape[0] // 2, a.shape[1] // 2
    a11, a12, a21, a22 = a[:n, :m], a[:n, m:], a[n:, :m], a[n:, m:]
    half = np.float32(0.5)
    pairs = [(half * a11 + half * a22, half * a21 - half * a12), (half * a11 - half * a22, half * a12 + half * a21)]
    sums = []
    for re, im in pairs:
        sum_re, sum_im = np.zeros_like(re), np.zeros_like(im)
        for _ in range(stages):
            codes = phase_codes(re, im)
            real = (codes & 1) == 0
            sign = np.where((codes & 2) == 0, np.float32(1), np.float32(-1))
            _, s_re = group_mean(np.abs(re), real, scale)
            _, s_im = group_mean(np.abs(im), ~real, scale)
            re = re - np.where(real, sign * s_re, 0).astype(np.float32)
            im = im - np.where(real, 0, sign * s_im).astype(np.float32)
            if scale != "tensor":
                s_re, s_im = (s.astype(np.float16).astype(np.float32) for s in (s_re, s_im))
            sum_re = sum_re + np.where(real, sign * s_re, 0).astype(np.float32)
            sum_im = sum_im + np.where(real, 0, sign * s_im).astype(np.float32)
        sums.append((sum_re, sum_im))
    (u_re, u_im), (w_re, w_im) = sums
    return np.block([[u_re + w_re, w_im - u_im], [u_im + w_im, u_re - w_re]]).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("baked")
    parser.add_argument("--original", required=True)
    parser.add_argument("--stages", type=int, default=2)
    parser.add_argument("--scale", choices=["tensor", "row", "tile64"], default="tensor")
    parser.add_argument("--tokens", required=True, help="safetensors file with rows of ids")
    parser.add_argument("--key")
    parser.add_argument("--rows", type=int, default=0, help="only the first rows (0 = all)")
    parser.add_argument("--ours", help="JSON of fairy2 eval ppl on the same rows")
    arguments = parser.parse_args()
    tensors = load_file(arguments.tokens)
    rows = tensors[arguments.key or sorted(tensors)[0]].long()
    rows = rows[: arguments.rows] if arguments.rows else rows

    # No dtype is asked for: what config.json says must be enough to keep A_q exact.
    baked, info = AutoModelForCausalLM.from_pretrained(arguments.baked, output_loading_info=True)
    baked.eval()
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    original = AutoModelForCausalLM.from_pretrained(arguments.original, dtype=torch.float32).eval()
    replaced = 0
    with torch.no_grad():
        for name, module in original.model.named_modules():
            if isinstance(module, torch.nn.Linear) and all(size % 2 == 0 for size in module.weight.shape):
                a = fake_quantise(module.weight.numpy(), arguments.stages, arguments.scale)
                module.weight.copy_(torch.from_numpy(a))
                replaced += 1
        same = all(torch.equal(p, q.to(p.dtype)) for p, q in zip(original.parameters(), baked.parameters()))
        logits = 0.0
        nll, count = 0.0, 0
        for row in rows:
            ours = baked(input_ids=row[None], use_cache=False).logits[0].float()
            if count == 0:
                theirs = original(input_ids=row[None], use_cache=False).logits[0]
                logits = (ours - theirs).abs().max().item()
            nll += torch.nn.functional.cross_entropy(ours[:-1], row[1:], reduction="sum").item()
            count += len(row) - 1
    result = {"linears": replaced, "dtype": str(next(baked.parameters()).dtype), "parameters_equal": same,
              "max_logit_difference": logits, "nats_per_token": nll / count, "tokens_scored": count}
    bad = not same or logits > 1e-4
    if arguments.ours:
        with open(arguments.ours) as file:
            document = json.load(file)
        result["fairy2_nats_per_token"] = document["nats_per_token"]
        bad = bad or abs(document["nats_per_token"] - nll / count) > 1e-5
    print(json.dumps(result, indent=1))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
