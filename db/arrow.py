"""Arrow as it is used here, which is without pandas; knows no table."""

from __future__ import annotations

import os
import sys

# This allocator gives back what it no longer needs; with it an ingest holds a quarter less. Arrow looks at
# the environment once, when it is loaded; where the allocator is not built in it takes another.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
# Nothing here multiplies matrices: NumPy need not keep a thread for it on every core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["pa", "pc"]


class _NoPandas:
    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


# At its first array Arrow looks whether there is pandas, and would import it: half a second and 50 MB of
# every ingest, for nothing. It looks once only.
if "pandas" not in sys.modules:
    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(_NoPandas)
