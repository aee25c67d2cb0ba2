# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""gemm_forms.py's checks as tests."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fp8_common as common  # noqa: E402
import gemm_forms  # noqa: E402

REASON = common.unavailable()
if REASON:
    pytest.skip(REASON, allow_module_level=True)


@pytest.mark.parametrize(
    "check", [pytest.param(check, id=name) for name, check in gemm_forms.cases()]
)
def test_form(check):
    assert check() is None
