// SPDX-License-Identifier: Apache-2.0
#pragma once
// Precompiled: one include of torch costs 17 s.
#include <torch/torch.h>
