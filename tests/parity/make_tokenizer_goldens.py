#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/text/goldens.json: ids and decodings by the Python packages transformers and tokenizers.

usage: make_tokenizer_goldens.py REALDATA   (run from the repository root; needs transformers 4.57 or newer)
"""
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer

realdata = Path(sys.argv[1])
TEXTS = [
    "",
    " ",
    "Once upon a time",
    " leading and trailing ",
    "two  spaces\tand\ttabs\n\nnew\r\nlines   \n",
    "don't I'LL they'Ve 1234567 3.14159 x=y+1;",
    "naïve café e\u0301 \u00c5 \u212b ﬁ",
    "日本語のテキストと한국어 그리고 中文。",
    "🙂👩‍👩‍👧‍👦 flags 🇪🇺 and 𝔘nicode",
    "שלום عربى हिन्दी ไทย",
    "zero\u200bwidth \ufeff bom \u00a0 nbsp",
    "<s>literal</s> <|endoftext|> <|im_start|>user",
    "def f(a, b):\n    return a  +  b  # ok\n",
    "a" * 300,
    "\u0000\u0001\u007f control",
    "Ġ ▁ Â",
]
# name → folder; the demo's tokenizer is part of the repository.
FOLDERS = {
    "demo": "resources/demo/stories260K",
    "smollm2-135m": realdata / "tokenizers/smollm2-135m",
    "gpt2": realdata / "tokenizers/gpt2",
    "qwen3-4b-base": realdata / "tokenizers/qwen3-4b-base",
}


def backend(folder):
    file = Path(folder) / "tokenizer.json"
    return Tokenizer.from_file(str(file)) if file.exists() else AutoTokenizer.from_pretrained(folder).backend_tokenizer


goldens = {}
for name, folder in FOLDERS.items():
    tokenizer = backend(folder)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    cases = []
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append({
            "text": text,
            "ids": ids,
            "ids_special": tokenizer.encode(text, add_special_tokens=True).ids,
            "decoded": tokenizer.decode(ids, skip_special_tokens=True),
            "decoded_special": tokenizer.decode(ids, skip_special_tokens=False),
        })
    goldens[name] = {"vocab_size": tokenizer.get_vocab_size(with_added_tokens=True), "cases": cases}

out = Path("tests/data/text/goldens.json")
out.parent.mkdir(parents=True, exist_ok=True)
out.write_text(json.dumps(goldens, ensure_ascii=True, separators=(",", ":")).replace('},{"text"', '},\n{"text"') + "\n")
