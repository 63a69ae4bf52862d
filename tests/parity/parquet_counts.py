# SPDX-License-Identifier: Apache-2.0
"""parquet_counts.py FILE…: rows, nulls and UTF-8 bytes of every text column, read by pyarrow on its own."""
import sys

import pyarrow as pa
import pyarrow.parquet as pq

for path in sys.argv[1:]:
    table = pq.read_table(path)
    for name, column in zip(table.column_names, table.columns):
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            values = column.to_pylist()
            texts = [v for v in values if v is not None]
            size = sum(len(v.encode() if isinstance(v, str) else v) for v in texts)
            print(f"{path} {name}: documents {len(texts)}, nulls {len(values) - len(texts)}, bytes {size}")
