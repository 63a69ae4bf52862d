// SPDX-License-Identifier: Apache-2.0
#include "tensors/safetensors.h"

#include <cstdlib>
#include <cstring>

// The first two bytes are the size of the data behind the header, so that small inputs can be whole files.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::uint16_t dataBytes = 0;
    if (size < sizeof dataBytes) return 0;
    std::memcpy(&dataBytes, data, sizeof dataBytes);
    const std::string_view header(reinterpret_cast<const char*>(data) + sizeof dataBytes,
                                  size - sizeof dataBytes);
    const auto parsed = fairy2::tensors::parseHeader(header, dataBytes, "fuzz");
    if (!parsed) {
        if (parsed.error().message.empty()) std::abort();
        return 0;
    }
    // What is accepted covers the data exactly, tensor after tensor.
    std::uint64_t next = 8 + header.size();
    for (const auto& tensor : parsed->first) {
        const auto elements = static_cast<std::uint64_t>(tensor.elements());
        if (tensor.offset != next || tensor.bytes != elements * bytesPerElement(tensor.dtype)) std::abort();
        next += tensor.bytes;
    }
    if (next != 8 + header.size() + dataBytes) std::abort();
    return 0;
}
