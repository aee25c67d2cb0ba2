//===- AsyncInterfaces.cpp - what runs beside the program -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Interfaces/AsyncInterfaces.h"

#include "tilewright/Dialect/Interfaces/AsyncInterfaces.cpp.inc"
