#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/infer/goldens.json and stories_rows.txt: losses and logits of transformers in fp32, and of the
same models with every linear of the blocks replaced by its Fairy2i A_q (an independent quantiser, below).

usage: make_infer_goldens.py REALDATA   (run from the repository root; needs torch, transformers, safetensors)
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

realdata = Path(sys.argv[1])
out = Path("tests/data/infer")
out.mkdir(parents=True, exist_ok=True)


def phase_quantize(re, im):
    """One stage with one scale a tensor, codes by the angle itself, in double."""
    code = torch.floor(2 * torch.atan2(im, re) / torch.pi + 0.5).long() % 4
    real, imag = code % 2 == 0, code % 2 == 1
    s_re = re[real].abs().mean().clamp(min=1e-6) if real.any() else torch.tensor(1e-6, dtype=re.dtype)
    s_im = im[imag].abs().mean().clamp(min=1e-6) if imag.any() else torch.tensor(1e-6, dtype=re.dtype)
    sign = 1 - 2 * (code // 2)
    return torch.where(real, sign * s_re, 0.0), torch.where(imag, sign * s_im, 0.0)


def fairy2i(weight, stages):
    a = weight.double()
    n, m = a.shape[0] // 2, a.shape[1] // 2
    a11, a12, a21, a22 = a[:n, :m], a[:n, m:], a[n:, :m], a[n:, m:]
    forms = [((a11 + a22) / 2, (a21 - a12) / 2), ((a11 - a22) / 2, (a12 + a21) / 2)]
    quantized = []
    for re, im in forms:
        total_re, total_im = torch.zeros_like(re), torch.zeros_like(im)
        for _ in range(stages):
            q_re, q_im = phase_quantize(re - total_re, im - total_im)
            total_re, total_im = total_re + q_re, total_im + q_im
        quantized.append((total_re, total_im))
    (u_re, u_im), (w_re, w_im) = quantized
    top = torch.cat([u_re + w_re, w_im - u_im], 1)
    return torch.cat([top, torch.cat([u_im + w_im, u_re - w_re], 1)], 0).float()


def load(folder, stages):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    if stages:
        for name, module in model.named_modules():
            if isinstance(module, torch.nn.Linear) and name != "lm_head":
                module.weight.data = fairy2i(module.weight.data, stages)
    return model


@torch.no_grad()
def logits_of(model, row):
    return model(torch.tensor([row])).logits[0].double()


def loss_of(model, rows):
    total, count = 0.0, 0
    for row in rows:
        logits = logits_of(model, row)
        total -= torch.log_softmax(logits[:-1], -1).gather(1, torch.tensor(row[1:])[:, None]).sum().item()
        count += len(row) - 1
    return {"nats_per_token": total / count, "tokens_scored": count}


@torch.no_grad()
def divergence_of(teacher, student, rows):
    values, agree = [], 0
    for row in rows:
        p, q = (torch.log_softmax(logits_of(model, row)[:-1], -1) for model in (teacher, student))
        values.append((p.exp() * (p - q)).sum(-1))
        agree += (p.argmax(-1) == q.argmax(-1)).sum().item()
    values = torch.cat(values)
    ordered = values.sort().values
    return {"mean": values.mean().item(), "max": values.max().item(), "positions": len(values),
            "p99": ordered[-(-99 * len(values) // 100) - 1].item(), "top1_agreement": agree / len(values)}


rows = [[int(i) for i in line.split()] for line in
        (realdata / "models/oracle_tokens_tok512.txt").read_text().splitlines()[:20]]
(out / "stories_rows.txt").write_text("".join(" ".join(map(str, row)) + "\n" for row in rows))
goldens = {"stories": {}, "smollm2": {}, "tiny": {}}
for mode, stages in (("fp", 0), ("w1", 1), ("w2", 2), ("w3", 3)):
    goldens["stories"][mode] = loss_of(load("resources/demo/stories260K", stages), rows)
teacher = load("resources/demo/stories260K", 0)
goldens["stories"]["divergence_w2"] = divergence_of(teacher, load("resources/demo/stories260K", 2), rows)

folder = realdata / "models/smollm2-mini-31m"
val = load_file(folder / "val_tokens.safetensors")
picked = [row[:256].tolist() for row in val["web"][:4]]
for mode, stages in (("fp", 0), ("w1", 1), ("w2", 2)):
    goldens["smollm2"][mode] = loss_of(load(folder, stages), picked)

for name, entry in json.loads((realdata / "models/tiny-hf-random/ORACLE.json").read_text()).items():
    if isinstance(entry, dict):
        goldens["tiny"][name] = entry
(out / "goldens.json").write_text(json.dumps(goldens, separators=(",", ":")).replace('"},', '"},\n') + "\n")
print(json.dumps({k: v for k, v in goldens.items() if k != "tiny"}, indent=1))
