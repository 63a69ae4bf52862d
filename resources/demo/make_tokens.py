# SPDX-License-Identifier: Apache-2.0
"""Makes stories_tokens.safetensors from stories.txt: BOS + ids of each story, one stream cut into rows of 128.
The last 30 stories are the validation rows. Needs the PyPI packages tokenizers, safetensors and numpy."""
import pathlib

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer

here = pathlib.Path(__file__).parent
tokenizer = Tokenizer.from_file(str(here / "stories260K" / "tokenizer.json"))
stories = [s.strip() for s in (here / "stories.txt").read_text("utf8").split("<|endoftext|>") if s.strip()]


def rows(part, length=128):
    stream = [i for story in part for i in [1, *tokenizer.encode(story, add_special_tokens=False).ids]]
    stream = stream[: len(stream) // length * length]
    return np.array(stream, np.int32).reshape(-1, length)


train, validation = rows(stories[:-30]), rows(stories[-30:])
save_file({"train": train, "val": validation}, str(here / "stories_tokens.safetensors"),
          {"note": "rows of 128 token ids of stories260K; positions 1..127 of each row are scored"})
print(train.shape, validation.shape)
