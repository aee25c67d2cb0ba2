/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The C API's header is C, not only C++. */
#include "tilewright-c/tilewright.h"

_Static_assert(sizeof(twTensor) == 48, "twTensor has the layout of DLTensor");
_Static_assert(sizeof(twDataType) == 4, "packed as in DLPack");

int tilewrightHeaderIsC(void);
int tilewrightHeaderIsC(void) { return TW_API_VERSION; }
